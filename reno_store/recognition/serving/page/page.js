"use strict";
const byId = (id) => document.getElementById(id);
const percent = (p) => `${(100 * p).toFixed(1)} %`;
let limits = { seconds: 60, bytes: 0 };
let turn = 0;
let address = null;

fetch("about").then((answer) => answer.json()).then((about) => {
  limits = about.limits;
  document.title = about.name;
  byId("name").textContent = about.name;
  byId("about").textContent = about.text;
});

function show(text, isBad = false) {
  byId("state").textContent = text;
  byId("state").classList.toggle("bad", isBad);
}

async function send(blob, name) {
  const mine = ++turn;
  byId("answer").hidden = true;
  if (limits.bytes && blob.size > limits.bytes) {
    show(`${name}: too large; the limit is ${Math.floor(limits.bytes / 1e6)} MB.`, true);
    return;
  }
  show(`${name}: recognizing ...`);
  let answer;
  try {
    const got = await fetch("recognize", {
      method: "POST",
      body: blob,
      headers: { "Content-Type": "application/octet-stream", "X-Name": encodeURIComponent(name) },
    });
    answer = await got.json();
  } catch {
    answer = { error: "the server returned no answer; see its terminal." };
  }
  if (mine !== turn) return;  // another recording was sent in the meantime
  if (answer.error) {
    show(answer.error, true);
    return;
  }
  show("");
  if (address) URL.revokeObjectURL(address);
  address = URL.createObjectURL(blob);
  byId("player").src = address;
  draw(answer, name);
}

function draw(answer, name) {
  const [first] = answer.probabilities;
  byId("label").textContent = first.label;
  byId("facts").textContent = [`${percent(first.probability)}`, name,
    `${answer.duration_s.toFixed(2)} s`, ...answer.notes].join(" · ");
  const rows = answer.probabilities.map(({ label, probability }) => {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = label;
    const cell = document.createElement("td");
    cell.className = "bar";
    const bar = document.createElement("div");
    bar.style.width = percent(probability).replace(" ", "");
    cell.append(bar);
    const number = document.createElement("td");
    number.className = "number";
    number.textContent = percent(probability);
    row.append(head, cell, number);
    return row;
  });
  byId("probabilities").tBodies[0].replaceChildren(...rows);
  byId("answer").hidden = false;
  drawWaveform(answer.peaks);
  drawTimeline(answer.timeline);
}

function drawWaveform(peaks) {
  const canvas = byId("waveform");
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = getComputedStyle(document.body).getPropertyValue("--accent");
  const width = canvas.width / peaks.length;
  peaks.forEach((peak, i) => {
    const height = Math.max(1, peak * canvas.height);
    pen.fillRect(i * width, (canvas.height - height) / 2, Math.max(width - 1, 1), height);
  });
}

function drawTimeline(timeline) {
  const list = byId("timeline");
  list.hidden = timeline.length < 2;
  list.replaceChildren(...timeline.map(({ start_s, end_s, label, probability }) => {
    const item = document.createElement("li");
    item.textContent = label;
    item.title = `${start_s.toFixed(2)} to ${end_s.toFixed(2)} s: ${label}, ${percent(probability)}`;
    item.style.flex = "1 1 0";
    return item;
  }));
}

byId("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) send(file, file.name);
  event.target.value = "";
});

const drop = byId("drop");
for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind !== "drop") return;
    const [file] = event.dataTransfer.files;
    if (file) send(file, file.name);
  });
}

// A recording is kept as samples and sent as wav: browsers' own formats need other decoders.
let stop = null;
byId("record").addEventListener("click", async () => {
  if (stop) {
    stop();
    return;
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (error) {
    show(`no microphone: ${error.message}`, true);
    return;
  }
  const context = new AudioContext();
  const source = context.createMediaStreamSource(stream);
  const tap = context.createScriptProcessor(4096, 1, 1);
  const parts = [];
  let n = 0;
  tap.onaudioprocess = (event) => {
    parts.push(new Float32Array(event.inputBuffer.getChannelData(0)));
    n += 4096;
    show(`recording: ${(n / context.sampleRate).toFixed(1)} s`);
    if (n / context.sampleRate >= limits.seconds) stop();
  };
  source.connect(tap);
  tap.connect(context.destination);
  const button = byId("record");
  button.setAttribute("aria-pressed", "true");
  button.textContent = "Stop";
  stop = () => {
    stop = null;
    button.setAttribute("aria-pressed", "false");
    button.textContent = "Record";
    tap.disconnect();
    source.disconnect();
    stream.getTracks().forEach((track) => track.stop());
    const rate = context.sampleRate;
    context.close();
    if (n) send(wav(parts, n, rate), "recording.wav");
    else show("nothing was recorded", true);
  };
});

function wav(parts, n, rate) {
  const bytes = new DataView(new ArrayBuffer(44 + 2 * n));
  const text = (at, word) => [...word].forEach((c, i) => bytes.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF");
  bytes.setUint32(4, 36 + 2 * n, true);
  text(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, 1, true);
  bytes.setUint32(24, rate, true);
  bytes.setUint32(28, 2 * rate, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  text(36, "data");
  bytes.setUint32(40, 2 * n, true);
  let at = 44;
  for (const part of parts) {
    for (const sample of part) {
      bytes.setInt16(at, Math.max(-1, Math.min(1, sample)) * 32767, true);
      at += 2;
    }
  }
  return new Blob([bytes], { type: "audio/wav" });
}
