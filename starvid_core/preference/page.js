"use strict";
(() => {
  const study = JSON.parse(document.getElementById("study").textContent);
  const byId = (id) => document.getElementById(id);
  const screens = ["begin", "trial", "end"].map(byId);
  let talk = null; // rater, started, finished, order, place, question, answers
  let shown = 0; // when the current question came up, in ms
  let urls = [];

  // The same order and sides for the same rater of the same study, in every browser.
  function randomness(text) {
    let state = 2166136261;
    for (const byte of new TextEncoder().encode(text)) state = Math.imul(state ^ byte, 16777619);
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  function shuffled(list, random) {
    const mixed = [...list];
    for (let i = mixed.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [mixed[i], mixed[j]] = [mixed[j], mixed[i]];
    }
    return mixed;
  }

  // Each system stands on the left half of the time; `clips` are in an order that says nothing.
  function drawn(rater) {
    const random = randomness(`${study.id}:${rater}`);
    const turns = shuffled(study.trials.map((_, n) => n % 2 === 0), random);
    return shuffled(study.trials, random).map((trial, n) => {
      const [left, right] = turns[n] ? trial.clips : [...trial.clips].reverse();
      return { trial: trial.id, left, right };
    });
  }

  const slot = (rater) => `starvid-preference:${study.id}:${rater}`;

  function store() {
    try {
      localStorage.setItem(slot(talk.rater), JSON.stringify(talk));
    } catch {
      trouble("This browser keeps nothing: finish in one sitting, or save what you have.");
    }
  }

  function stored(rater) {
    try {
      return JSON.parse(localStorage.getItem(slot(rater)));
    } catch {
      return null;
    }
  }

  function show(screen) {
    for (const one of screens) one.hidden = one.id !== screen;
    window.scrollTo(0, 0);
  }

  function trouble(text) {
    byId("trouble").textContent = text;
    byId("trouble").hidden = !text;
  }

  function source(clip) {
    const bytes = Uint8Array.from(atob(study.videos[clip]), (c) => c.charCodeAt(0));
    const url = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
    urls.push(url);
    return url;
  }

  function play() {
    for (const side of ["left", "right"]) {
      byId(side).currentTime = 0;
      byId(side).play().catch(() => {});
    }
  }

  function openTrial() {
    const { trial, left, right } = talk.order[talk.place];
    urls.forEach(URL.revokeObjectURL);
    urls = [];
    trouble("");
    byId("prompt").textContent = study.trials.find((t) => t.id === trial).prompt;
    byId("left").src = source(left);
    byId("right").src = source(right);
    play();
  }

  function draw() {
    const { trial, left, right } = talk.order[talk.place];
    const answers = talk.answers[trial] || {};
    const total = study.trials.length;
    byId("place").textContent = `${talk.place + 1} of ${total}`;
    byId("bar").value = (talk.place + talk.question / study.questions.length) / total;
    byId("asked").replaceChildren(
      ...study.questions.map((question, n) => {
        const line = document.createElement("li");
        if (n === talk.question) line.setAttribute("aria-current", "step");
        const text = document.createElement("span");
        text.textContent = question.text;
        line.append(text, ...[["Left", left], ["Right", right]].map(([name, clip]) => {
          const button = document.createElement("button");
          button.type = "button";
          button.textContent = name;
          button.setAttribute("aria-label", `${question.text} ${name}`);
          button.setAttribute("aria-pressed", String(answers[question.id]?.chosen === clip));
          button.addEventListener("click", () => choose(clip, n));
          return button;
        }));
        return line;
      }),
    );
    byId("back").disabled = talk.place === 0 && talk.question === 0;
    byId("next").disabled = study.questions.some((question) => !answers[question.id]);
    shown = performance.now();
  }

  function choose(clip, question = talk.question) {
    const { trial } = talk.order[talk.place];
    const seconds = Math.round(performance.now() - shown) / 1000;
    const answers = (talk.answers[trial] ||= {});
    answers[study.questions[question].id] = { chosen: clip, seconds };
    const open = study.questions.findIndex((one) => !answers[one.id]);
    // A change of an earlier answer stays where it is; "Next" goes on.
    const goOn = open < 0 && question === talk.question && question === study.questions.length - 1;
    talk.question = open < 0 ? question : open;
    if (goOn) advance();
    store();
    if (!talk.finished) draw();
  }

  function advance() {
    if (talk.place + 1 < talk.order.length) {
      talk.place += 1;
      talk.question = 0;
      openTrial();
    } else {
      talk.finished = new Date().toISOString();
      finish();
    }
  }

  function back() {
    if (talk.question > 0) {
      talk.question -= 1;
    } else if (talk.place > 0) {
      talk.place -= 1;
      talk.question = study.questions.length - 1;
      openTrial();
    }
    store();
    draw();
  }

  function finish() {
    byId("text").value = answersText();
    show("end");
  }

  function answersText() {
    const answers = talk.order.flatMap(({ trial, left, right }) =>
      study.questions
        .filter((question) => talk.answers[trial]?.[question.id])
        .map((question) => ({ trial, question: question.id, left, right, ...talk.answers[trial][question.id] })),
    );
    const { rater, started, finished } = talk;
    return JSON.stringify({ format: 1, study: study.id, rater, simulated: false, started, finished, answers }, null, 1);
  }

  function save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([answersText()], { type: "application/json" }));
    link.download = `answers-${study.id}-${talk.rater.replace(/[^\p{L}\p{N}]+/gu, "_")}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function begin(rater) {
    talk = stored(rater) || {
      rater,
      started: new Date().toISOString(),
      finished: null,
      order: drawn(rater),
      place: 0,
      question: 0,
      answers: {},
    };
    if (talk.finished) {
      finish();
      return;
    }
    show("trial");
    openTrial();
    store();
    draw();
  }

  function press(event) {
    if (byId("trial").hidden || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const { left, right } = talk.order[talk.place];
    const acts = {
      ArrowLeft: () => choose(left),
      1: () => choose(left),
      ArrowRight: () => choose(right),
      2: () => choose(right),
      Backspace: back,
      " ": play,
    };
    const act = acts[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  }

  byId("count").textContent = study.trials.length;
  byId("questions").textContent = study.questions.length;
  byId("who").addEventListener("submit", (event) => {
    event.preventDefault();
    const rater = byId("rater").value.trim();
    if (rater) begin(rater);
  });
  byId("back").addEventListener("click", back);
  byId("again").addEventListener("click", play);
  byId("next").addEventListener("click", () => {
    advance();
    store();
    if (!talk.finished) draw();
  });
  byId("save").addEventListener("click", save);
  byId("keep").addEventListener("click", save);
  byId("reopen").addEventListener("click", () => {
    talk.finished = null;
    talk.question = study.questions.length - 1;
    show("trial");
    openTrial();
    store();
    draw();
  });
  for (const side of ["left", "right"]) {
    byId(side).addEventListener("error", () => trouble(`The ${side} video cannot be played here; try another browser.`));
  }
  document.addEventListener("keydown", press);
})();
