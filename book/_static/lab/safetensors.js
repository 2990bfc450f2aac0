// Weights as safetensors files (https://github.com/huggingface/safetensors#format), read and written.
Lab.define("safetensors", function (Lab) {
  "use strict";

  Lab.readSafetensors = function (bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = Number(view.getBigUint64(0, true));
    const table = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    const state = {};
    for (const [name, entry] of Object.entries(table)) {
      if (name === "__metadata__") continue;
      // I64: BatchNorm counts its batches.
      const Values = { F32: Float32Array, I64: BigInt64Array }[entry.dtype];
      const [from, to] = entry.data_offsets.map((place) => 8 + length + place);
      state[name] = { shape: entry.shape, values: new Values(bytes.slice(from, to).buffer) };
    }
    return state;
  };

  // `about` is kept beside the tensors: of a network what `Lab.about` gives, of a head its classes.
  Lab.writeSafetensors = function (state, about) {
    const key = Array.isArray(about) ? "classes" : "tl_teach";
    const table = { __metadata__: { [key]: JSON.stringify(about) } };
    const chunks = [];
    let place = 0;
    for (const name of Object.keys(state).sort()) {
      const { shape, values } = state[name];
      const chunk = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      const dtype = values instanceof Float32Array ? "F32" : "I64";
      table[name] = { dtype, shape, data_offsets: [place, place + chunk.length] };
      chunks.push(chunk);
      place += chunk.length;
    }
    let header = JSON.stringify(table);
    header += " ".repeat((8 - (new TextEncoder().encode(header).length % 8)) % 8);
    const text = new TextEncoder().encode(header);
    const start = new Uint8Array(8);
    new DataView(start.buffer).setBigUint64(0, BigInt(text.length), true);
    return new Blob([start, text, ...chunks], { type: "application/octet-stream" });
  };

  // What `tl.open_network` needs to know: the head's layers, the classes, the preprocessing.
  Lab.about = (classes) => ({
    name: "letters-resnet",
    kind: "classification",
    unit: "",
    classes,
    preprocess: {
      size: 28, channels: 1, mean: [Lab.MEAN], std: [Lab.STD], resize: null,
      interpolation: "bilinear",
    },
    head: [["pool", "AdaptiveAvgPool2d", null], ["flatten", "Flatten", null],
      ["output", "Linear", null]],
  });

  Lab.withHead = function (state, head) {
    const size = head.classes * head.width;
    return {
      ...state,
      "stages.head.output.weight": {
        shape: [head.classes, head.width], values: Float32Array.from(head.flat.subarray(0, size)),
      },
      "stages.head.output.bias": {
        shape: [head.classes], values: Float32Array.from(head.flat.subarray(size)),
      },
    };
  };
});
