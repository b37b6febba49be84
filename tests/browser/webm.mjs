// A small video to play, made anew: the browser encodes plain frames, and this lays them into a WebM file that can be sought in.

/// Frames a second, of which the first is a key frame.
const RATE = 5;
const [WIDTH, HEIGHT] = [160, 90];

/// A WebM file of so many seconds, each of which has the colour that `colours` give it in turn.
export async function makeVideo(page, { seconds = 8, colours = ["teal", "crimson", "gold"] } = {}) {
  const frames = await page.evaluate(encode, { seconds, colours, rate: RATE, width: WIDTH, height: HEIGHT });
  return file(frames.map(({ data, ...frame }) => ({ ...frame, data: Buffer.from(data, "base64") })), seconds);
}

/// In the page: VP8 frames with their moments in milliseconds.
async function encode({ seconds, colours, rate, width, height }) {
  const frames = [];
  const encoder = new VideoEncoder({
    output: (chunk) => {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      frames.push({ time: chunk.timestamp / 1000, key: chunk.type === "key", data: btoa(String.fromCharCode(...bytes)) });
    },
    error: (error) => { throw error; },
  });
  encoder.configure({ codec: "vp8", width, height, bitrate: 60_000 });
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  for (let i = 0; i < seconds * rate; i++) {
    context.fillStyle = colours[Math.floor(i / rate) % colours.length];
    context.fillRect(0, 0, width, height);
    const frame = new VideoFrame(canvas, { timestamp: (i * 1e6) / rate, duration: 1e6 / rate });
    encoder.encode(frame, { keyFrame: i % rate === 0 });
    frame.close();
  }
  await encoder.flush();
  return frames;
}

const number = (value, size) => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
};
const double = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
};
/// An element of Matroska: its number, the size of what is in it, and that.
const element = (id, ...parts) => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(id, "hex"), number(0x10000000 + content.length, 4), content]);
};

/// A file with an index of its key frames, so that a browser may begin anywhere.
function file(frames, seconds) {
  const starts = frames.flatMap(({ key }, i) => (key ? [i] : []));
  const clusters = starts.map((start, at) => {
    const { time } = frames[start];
    const blocks = frames.slice(start, starts[at + 1]).map((frame) =>
      element("a3", Buffer.from([0x81]), number(frame.time - time, 2), Buffer.from([frame.key ? 0x80 : 0]), frame.data));
    return { time, bytes: element("1f43b675", element("e7", number(time, 4)), ...blocks) };
  });
  const head = Buffer.concat([
    element("1549a966", element("2ad7b1", number(1_000_000, 3)), element("4489", double(seconds * 1000)), element("4d80", Buffer.from("test")), element("5741", Buffer.from("test"))),
    element("1654ae6b", element("ae", element("d7", number(1, 1)), element("73c5", number(1, 1)), element("83", number(1, 1)), element("86", Buffer.from("V_VP8")),
      element("e0", element("b0", number(WIDTH, 2)), element("ba", number(HEIGHT, 2))))),
  ]);
  // Places count from the start of the segment's content; the index has the same size whatever it says.
  const cues = (before) => {
    let place = before;
    const points = clusters.map(({ time, bytes }) => {
      const point = element("bb", element("b3", number(time, 4)), element("b7", element("f7", number(1, 1)), element("f1", number(place, 4))));
      place += bytes.length;
      return point;
    });
    return element("1c53bb6b", ...points);
  };
  const index = cues(head.length + cues(0).length);
  return Buffer.concat([
    element("1a45dfa3", element("4286", number(1, 1)), element("42f7", number(1, 1)), element("42f2", number(4, 1)), element("42f3", number(8, 1)),
      element("4282", Buffer.from("webm")), element("4287", number(2, 1)), element("4285", number(2, 1))),
    element("18538067", head, index, ...clusters.map(({ bytes }) => bytes)),
  ]);
}
