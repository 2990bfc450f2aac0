// The drawing area: by mouse, finger or pen, and by the keyboard.
Lab.define("pen", function (Lab) {
  "use strict";

  const STEP = 0.04; // of the area's side, a press of an arrow key
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  // Strokes are lists of points, 0..1. `changed` is called after each, `say` with words.
  Lab.Pen = class {
    constructor(canvas, changed, say) {
      Object.assign(this, { canvas, changed, say, strokes: [], at: [0.5, 0.5], down: false, finger: null });
      canvas.addEventListener("pointerdown", (event) => {
        if (this.drawing || event.button > 0) return; // a second finger, another button
        this.finger = event.pointerId;
        canvas.setPointerCapture(event.pointerId);
        this.strokes.push([this.place(event)]);
        event.preventDefault();
        canvas.focus({ preventScroll: true });
        this.update();
      });
      canvas.addEventListener("pointermove", (event) => {
        if (event.pointerId !== this.finger) return;
        const missed = event.getCoalescedEvents?.() ?? [];
        for (const one of missed.length ? missed : [event])
          this.strokes[this.strokes.length - 1].push(this.place(one));
        this.update();
      });
      for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
        canvas.addEventListener(end, (event) => {
          if (event.pointerId !== this.finger) return;
          this.finger = null;
          this.update();
        });
      canvas.addEventListener("keydown", (event) => this.key(event));
      for (const name of ["focus", "blur"]) canvas.addEventListener(name, () => this.paint());
      new MutationObserver(() => this.paint()).observe(document.documentElement,
        { attributeFilter: ["data-theme"] }); // the ink has another colour in the dark
      this.paint();
    }

    get drawing() {
      return this.finger !== null;
    }

    place(event) {
      const box = this.canvas.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    }

    key(event) {
      if (event.key === " ") {
        this.down = !this.down;
        if (this.down) this.strokes.push([[...this.at]]);
        this.say(this.down ? "Pen down" : "Pen up");
      } else if (ARROWS[event.key]) {
        const [dx, dy] = ARROWS[event.key];
        const within = (v) => Math.min(0.98, Math.max(0.02, v));
        this.at = [within(this.at[0] + STEP * dx), within(this.at[1] + STEP * dy)];
        if (this.down) this.strokes[this.strokes.length - 1].push([...this.at]);
      } else return;
      event.preventDefault();
      if (this.down) this.update();
      else this.paint(); // nothing was drawn
    }

    clear() {
      this.strokes = [];
      this.down = false;
      this.update();
    }

    undo() {
      this.strokes.pop();
      this.down = false;
      this.update();
    }

    update() {
      this.paint();
      // Many moves may come between two pictures of the screen: the last one is enough.
      this.waiting ??= requestAnimationFrame(() => {
        this.waiting = null;
        this.changed(this.strokes);
      });
    }

    paint() {
      const { width } = this.canvas, pen = this.canvas.getContext("2d");
      const css = getComputedStyle(this.canvas);
      pen.clearRect(0, 0, width, width);
      pen.lineCap = pen.lineJoin = "round";
      pen.lineWidth = width * 0.07;
      pen.strokeStyle = pen.fillStyle = css.color;
      for (const stroke of this.strokes) {
        pen.beginPath();
        pen.moveTo(stroke[0][0] * width, stroke[0][1] * width);
        for (const [x, y] of stroke) pen.lineTo(x * width + 0.01, y * width);
        pen.stroke();
      }
      if (document.activeElement === this.canvas && !this.drawing) {
        pen.lineWidth = 3;
        pen.strokeStyle = css.outlineColor;
        pen.beginPath();
        pen.arc(this.at[0] * width, this.at[1] * width, width * (this.down ? 0.02 : 0.035), 0, 7);
        pen.stroke();
      }
    }
  };
});
