// From a file to the square that the network sees, or a sentence that says why not.
Lab.define("pictures", function (Lab) {
  "use strict";

  const MOST_BYTES = 50e6, MOST_PIXELS = 50e6;
  Lab.PHOTO_SIZE = 160;

  Lab.PictureError = class extends Error {};
  const refuse = (words) => { throw new Lab.PictureError(words); };
  const ascii = (bytes, from, to) => String.fromCharCode(...bytes.subarray(from, to));

  // By what the file holds: its name and its stated type may say anything.
  Lab.kindOf = function (bytes) {
    if (bytes[0] === 0xff && bytes[1] === 0xd8) return "jpeg";
    if (ascii(bytes, 1, 4) === "PNG") return "png";
    if (ascii(bytes, 0, 4) === "GIF8") return "gif";
    if (ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 12) === "WEBP") return "webp";
    if (/^ftyp(avif|avis)/.test(ascii(bytes, 4, 12))) return ascii(bytes, 4, 12).slice(4);
    if (/^ftyp(heic|heix|mif1)/.test(ascii(bytes, 4, 12))) return "heic";
    if (ascii(bytes, 0, 2) === "BM") return "bmp";
    const text = ascii(bytes, 0, Math.min(bytes.length, 1000)).toLowerCase();
    return /<svg|<!doctype|<\?xml|<html/.test(text) ? "text" : "unknown";
  };

  // Width and height as the file states them, before anything is unpacked: a small file may hold
  // a picture that fills the memory. Null where only unpacking tells.
  Lab.statedSize = function (bytes, kind) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (kind === "png" && bytes.length > 24) return [view.getUint32(16), view.getUint32(20)];
    if (kind === "gif" && bytes.length > 10) return [view.getUint16(6, true), view.getUint16(8, true)];
    if (kind === "bmp" && bytes.length > 26)
      return [Math.abs(view.getInt32(18, true)), Math.abs(view.getInt32(22, true))];
    if (kind === "webp" && bytes.length > 30) {
      const part = ascii(bytes, 12, 16);
      const three = (at) => 1 + (view.getUint32(at, true) & 0xffffff);
      if (part === "VP8X") return [three(24), three(27)];
      if (part === "VP8 ") return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
      if (part === "VP8L") {
        const bits = view.getUint32(21, true);
        return [1 + (bits & 0x3fff), 1 + ((bits >> 14) & 0x3fff)];
      }
    }
    if (kind === "jpeg")
      for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff;) {
        const marker = bytes[at + 1];
        const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
        if (frame) return [view.getUint16(at + 7), view.getUint16(at + 5)];
        at += 2 + view.getUint16(at + 2);
      }
    return null;
  };

  Lab.isAnimated = function (bytes, kind) {
    if (kind === "avis") return true;
    const found = (text, to) => ascii4(bytes, text, to);
    if (kind === "png") return found("acTL", 4000);
    if (kind === "webp") return found("ANIM", 4000);
    if (kind !== "gif") return false;
    let frames = 0; // each begins with a graphic control: 21 F9 04
    for (let i = 0; i + 2 < bytes.length && frames < 2; i++)
      frames += bytes[i] === 0x21 && bytes[i + 1] === 0xf9 && bytes[i + 2] === 4;
    return frames > 1;
  };

  function ascii4(bytes, text, to) {
    for (let i = 0; i < Math.min(to, bytes.length - 4); i++) if (ascii(bytes, i, i + 4) === text) return true;
    return false;
  }

  // A canvas with the middle square of the picture, or a PictureError with a sentence.
  Lab.openPicture = async function (file) {
    const name = file.name || "The picture";
    if (!file.size) refuse(`${name} is empty (0 bytes); choose another file.`);
    if (file.size > MOST_BYTES)
      refuse(`${name} weighs ${Math.round(file.size / 1e6)} MB; the page takes pictures of at most 50 MB.`);
    const bytes = new Uint8Array(await file.arrayBuffer());
    const kind = Lab.kindOf(bytes);
    if (kind === "text")
      refuse(`${name} is text or an SVG drawing, which can hold scripts; the page takes photographs only: JPEG, PNG, WebP.`);
    if (kind === "unknown") refuse(`${name} is not a picture that the page knows; choose a JPEG, PNG or WebP file.`);
    if (kind === "heic") refuse(`${name} is a HEIC picture, which most browsers cannot open; save it as JPEG first.`);
    const [width, height] = Lab.statedSize(bytes, kind) ?? [0, 0];
    if (width * height > MOST_PIXELS)
      refuse(`${name} has ${Math.round((width * height) / 1e6)} megapixels; the page takes at most 50. Make it smaller first.`);
    if (Lab.isAnimated(bytes, kind)) refuse(`${name} moves: it holds several pictures. Choose a still one.`);
    let bitmap;
    try {
      bitmap = await createImageBitmap(new Blob([bytes]), { imageOrientation: "from-image" });
    } catch {
      refuse(`${name} says it is a ${kind.toUpperCase()} picture, but it cannot be opened; it may be cut off.`);
    }
    const square = Lab.middleSquare(bitmap, bitmap.width, bitmap.height);
    bitmap.close();
    return square;
  };

  Lab.middleSquare = function (source, width, height) {
    const size = Lab.PHOTO_SIZE, side = Math.min(width, height);
    const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.fillStyle = "white"; // behind what is transparent
    pen.fillRect(0, 0, size, size);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(source, (width - side) / 2, (height - side) / 2, side, side, 0, 0, size, size);
    return canvas;
  };

  // Channels x height x width, values 0..1.
  Lab.channels = function (canvas) {
    const { width, height } = canvas, area = width * height;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    const result = new Float32Array(3 * area);
    for (let i = 0; i < area; i++)
      for (let c = 0; c < 3; c++) result[c * area + i] = data[4 * i + c] / 255;
    return result;
  };
});
