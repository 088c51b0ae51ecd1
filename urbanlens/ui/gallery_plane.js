// Where everything of the plane of pictures lies: positions and their movement, the view, what is under a finger.
const GLIDE = 400; // ms from one arrangement to the other
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const ease = (share) => (share < 0.5 ? 4 * share ** 3 : 1 - (-2 * share + 2) ** 3 / 2);

class Plane {
  constructor() {
    Object.assign(this, { n: 0, pictured: new Int32Array(0), others: [], apart: 0, room: 0, x: null, y: null });
    Object.assign(this, { view: { k: 1, x: 0, y: 0 }, home: 1, width: 0, height: 0, fitted: true, moves: null });
  }

  // points: (x, y) of all rows; places: (x, y) of the pictured rows spread apart, or null.
  // Returns whether these are other images than before; else they glide, unless glide is false.
  arrange(points, pictured, places, room, glide) {
    const n = points.length / 2;
    const same = this.x !== null && n === this.n && pictured.length === this.pictured.length
      && pictured.every((row, i) => row === this.pictured[i]);
    const x = new Float32Array(n), y = new Float32Array(n);
    const middle = [0, 0];
    let reach = 0;
    const box = this.box(Array.from({ length: n }, (_, i) => i), (i) => points[2 * i], (i) => points[2 * i + 1]);
    if (box) {
      middle[0] = (box[0] + box[2]) / 2;
      middle[1] = (box[1] + box[3]) / 2;
      reach = Math.max(box[2] - box[0], box[3] - box[1]) / 2;
    }
    for (let i = 0; i < n; i += 1) { x[i] = points[2 * i]; y[i] = points[2 * i + 1]; }
    if (places) { // as wide as the plane was, so that a view that is zoomed in stays near
      pictured.forEach((row, i) => {
        x[row] = middle[0] + places[2 * i] * (reach || 1);
        y[row] = middle[1] + places[2 * i + 1] * (reach || 1);
      });
    }
    this.pitch = room * (reach || 1);
    if (!same) {
      const seen = new Uint8Array(n);
      pictured.forEach((row) => { seen[row] = 1; });
      this.others = Int32Array.from(Array.from({ length: n }, (_, i) => i).filter((i) => !seen[i]));
    }
    const apart = places ? 1 : 0;
    if (same && glide && n) {
      const places = { x0: this.x, y0: this.y, x1: x, y1: y, apart0: this.apart, apart1: apart };
      this.moves = { ...places, from: { ...this.view }, start: null };
      Object.assign(this, { x: this.x.slice(), y: this.y.slice() });
    } else {
      Object.assign(this, { n, x, y, apart, moves: null });
    }
    Object.assign(this, { n, pictured, target: { x, y }, spread: Boolean(places) });
    return !same;
  }

  // One step of what moves; false once it stands.
  step(now) {
    const { moves } = this;
    if (!moves) return false;
    if (moves.start === null) moves.start = now;
    const share = clamp((now - moves.start) / (moves.time || GLIDE), 0, 1), s = ease(share);
    if (moves.x1) {
      for (let i = 0; i < this.n; i += 1) {
        this.x[i] = moves.x0[i] + (moves.x1[i] - moves.x0[i]) * s;
        this.y[i] = moves.y0[i] + (moves.y1[i] - moves.y0[i]) * s;
      }
      this.apart = moves.apart0 + (moves.apart1 - moves.apart0) * s;
    }
    if (moves.to) {
      const { from, to } = moves, k = from.k * (to.k / from.k) ** s;
      const along = Math.abs(to.k - from.k) > 1e-9 * to.k ? (k - from.k) / (to.k - from.k) : s;
      this.view = { k, x: from.x + (to.x - from.x) * along, y: from.y + (to.y - from.y) * along };
    }
    if (share < 1) return true;
    this.moves = null;
    return false;
  }

  // Go to a view at once, or gliding there in `time` ms.
  go(to, time) {
    if (!time) {
      this.settle();
      this.view = to;
      return;
    }
    this.moves = { ...this.moves, from: { ...this.view }, to, start: null, time };
    if (this.moves.x1) Object.assign(this.moves, { x0: this.x.slice(), y0: this.y.slice(), apart0: this.apart });
  }

  // A hand on the plane ends what still moves: the arrangement is as it will be, the view as it is.
  settle() {
    const { moves } = this;
    if (moves && moves.x1) Object.assign(this, { x: moves.x1, y: moves.y1, apart: moves.apart1 });
    this.moves = null;
  }

  box(rows, x, y) {
    let [left, low, right, high] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const i of rows) {
      const a = x(i), b = y(i);
      if (!(Number.isFinite(a) && Number.isFinite(b))) continue;
      left = Math.min(left, a); right = Math.max(right, a); low = Math.min(low, b); high = Math.max(high, b);
    }
    return left <= right ? [left, low, right, high] : null;
  }

  // The view that shows everything of the arrangement.
  whole() {
    const { x, y } = this.target;
    const rows = this.spread ? this.pictured : Array.from({ length: this.n }, (_, i) => i);
    const [left, low, right, high] = this.box(rows, (i) => x[i], (i) => y[i]) || [-1, -1, 1, 1];
    const edge = this.spread ? 14 : this.resting() / 2 + 12, more = this.spread ? this.pitch : 0;
    const across = (right - left + more) || 1, down = (high - low + more) || 1;
    const k = Math.min((this.width - 2 * edge) / across, (this.height - 2 * edge) / down);
    return { k, x: this.width / 2 - (left + right) / 2 * k, y: this.height / 2 + (low + high) / 2 * k };
  }

  fit(time = 0) {
    this.fitted = true;
    const to = this.whole();
    this.home = to.k;
    this.go(to, time);
  }

  resize(width, height) {
    const { view } = this;
    const dx = (width - this.width) / 2, dy = (height - this.height) / 2;
    if (!this.fitted) this.view = { k: view.k, x: view.x + dx, y: view.y + dy };
    Object.assign(this, { width, height });
    if (this.fitted) this.fit();
  }

  pan(dx, dy) {
    this.settle();
    this.fitted = false;
    this.view.x += dx;
    this.view.y += dy;
  }

  // Zoom by a factor about a place on the screen.
  zoom(factor, left = this.width / 2, top = this.height / 2, time = 0) {
    const goal = (this.moves && this.moves.to) || this.view;
    const k = clamp(goal.k * factor, this.home * 0.4, this.home * 80), f = k / goal.k;
    this.fitted = false;
    this.go({ k, x: left - (left - goal.x) * f, y: top - (top - goal.y) * f }, time);
  }

  at(row) { return [this.x[row] * this.view.k + this.view.x, this.view.y - this.y[row] * this.view.k]; }

  // Side in px of a picture when everything is in view, and as it is now: growing with the zoom, but less than it.
  resting() {
    const size = Math.sqrt(this.width * this.height / Math.max(1, this.pictured.length));
    return clamp(0.72 * size, 12, 56);
  }

  side() {
    const free = clamp(this.resting() * (this.view.k / this.home) ** 0.85, 8, 220);
    return free + (this.pitch * this.view.k * 0.95 - free) * this.apart;
  }

  radius() { return clamp(2 * (this.view.k / this.home) ** 0.35 * (this.others.length > 8000 ? 0.8 : 1), 1.2, 6); }

  // [index among the pictures or -1, row] under a place on the screen, the uppermost first; null where nothing is.
  hit(left, top) {
    const half = this.side() / 2;
    for (let i = this.pictured.length - 1; i >= 0; i -= 1) {
      const row = this.pictured[i], [a, b] = this.at(row);
      if (Math.abs(a - left) <= half && Math.abs(b - top) <= half) return [i, row];
    }
    if (this.spread) return null;
    let [best, least] = [-1, (this.radius() + 4) ** 2];
    for (const row of this.others) {
      const [a, b] = this.at(row), distance = (a - left) ** 2 + (b - top) ** 2;
      if (distance < least) [best, least] = [row, distance];
    }
    return best < 0 ? null : [-1, best];
  }

  // Rows whose places lie within a path on the screen.
  within(path) {
    const xs = path.map(([x]) => x), ys = path.map(([, y]) => y);
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const inside = (x, y) => {
      let odd = false;
      for (let i = 0, j = path.length - 1; i < path.length; j = i, i += 1) {
        if ((ys[i] > y) !== (ys[j] > y) && x < (xs[j] - xs[i]) * (y - ys[i]) / (ys[j] - ys[i]) + xs[i]) odd = !odd;
      }
      return odd;
    };
    const rows = this.spread ? this.pictured : Array.from({ length: this.n }, (_, i) => i);
    return Array.from(rows).filter((row) => {
      const [x, y] = this.at(row);
      return x >= left && x <= right && y >= top && y <= bottom && inside(x, y);
    });
  }

  // The picture next to picture i in a direction, or, from -1, the one nearest the middle of the view.
  next(i, [dx, dy]) {
    const [x, y] = i < 0 ? [this.width / 2, this.height / 2] : this.at(this.pictured[i]);
    let [best, least] = [i, Infinity];
    this.pictured.forEach((row, j) => {
      const [a, b] = this.at(row), along = (a - x) * dx + (b - y) * dy;
      const aside = Math.abs((a - x) * dy) + Math.abs((b - y) * dx);
      const cost = i < 0 ? Math.hypot(a - x, b - y) : along + 2 * aside;
      if (j !== i && (i < 0 || along > Math.max(0.5, aside * 0.5)) && cost < least) [best, least] = [j, cost];
    });
    return best;
  }

  // Pan as little as needed until a row lies well within the view.
  reveal(row, time) {
    const [left, top] = this.at(row), edge = Math.min(this.side() / 2 + 24, this.width / 3, this.height / 3);
    const dx = clamp(left, edge, this.width - edge) - left, dy = clamp(top, edge, this.height - edge) - top;
    if (!dx && !dy) return;
    this.fitted = false;
    this.go({ k: this.view.k, x: this.view.x + dx, y: this.view.y + dy }, time);
  }
}
