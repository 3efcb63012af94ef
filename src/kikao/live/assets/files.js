// What a member sends besides words: a file in pieces that fit into frames, or where they are.

/** Octets of a file in one event, where the server does not say: with base64 that fits into a frame of 64 KiB. */
const PIECE = 45_000;

/** Pixels of the longer side that a picture keeps when it has to become smaller. */
const SIDES = [2048, 1600, 1200, 800];

/** A file as it can be sent, or null where it is too large. A picture is made smaller first, which also leaves behind
    what a camera writes into it: where it was taken, and when. Throws where the file cannot be read. */
export async function fitting(file, most) {
  if (/^image\/(jpeg|png|webp)$/.test(file.type)) {
    for (const side of SIDES) {
      const smaller = await redrawn(file, side);
      if (smaller && smaller.size <= Math.min(most, 1_500_000)) return smaller;
    }
  }
  return file.size <= most ? file : null;
}

/** The payloads of a file's events. */
export async function pieces(id, file, piece = PIECE) {
  const octets = new Uint8Array(await file.arrayBuffer());
  const starts = Array.from({ length: Math.max(1, Math.ceil(octets.length / piece)) }, (_, place) => place * piece);
  return starts.map((start) => ({
    id,
    name: [...file.name].slice(-200).join(""),
    type: file.type,
    start,
    data: base64(octets.subarray(start, start + piece)),
    more: start + piece < octets.length,
  }));
}

/** Where the device is: {latitude, longitude}. Throws where it does not say. */
export function whereabouts() {
  const options = { enableHighAccuracy: true, timeout: 15_000, maximumAge: 60_000 };
  return new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject, options)).then(
    ({ coords: { latitude, longitude } }) => ({ latitude, longitude }),
  );
}

async function redrawn(file, side) {
  try {
    const image = await createImageBitmap(file);
    const scale = Math.min(1, side / Math.max(image.width, image.height));
    const canvas = Object.assign(document.createElement("canvas"), {
      width: Math.round(image.width * scale),
      height: Math.round(image.height * scale),
    });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    const type = file.type === "image/png" ? "image/png" : "image/jpeg";
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, 0.86));
    return blob && new File([blob], file.name.replace(/\.\w+$/, type === "image/png" ? ".png" : ".jpg"), { type });
  } catch {
    return null; // no picture that a browser can read: it goes as it is
  }
}

function base64(octets) {
  let text = "";
  for (let at = 0; at < octets.length; at += 8192) text += String.fromCharCode(...octets.subarray(at, at + 8192));
  return btoa(text);
}
