// Bytes that arrive as base64 inside a classic script, which a page opened from a folder may load.
Lab.define("data", function (Lab) {
  "use strict";

  Lab.bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  Lab.unpack = async function (text) {
    const stream = new Blob([Lab.bytes(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

  // Pictures one after the other, 784 bytes each.
  Lab.pictures = (bytes) =>
    Array.from({ length: bytes.length / 784 }, (_, i) => bytes.subarray(i * 784, (i + 1) * 784));
});
