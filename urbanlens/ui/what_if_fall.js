// The score on its scale, and the waterfall: from the bias, attribute by attribute, to the score.
const LARGEST = 10; // attributes with a bar of their own before all are asked for

const made = (kind, name, text) => {
  const one = document.createElement(kind);
  if (name) one.className = name;
  if (text !== undefined) one.textContent = text;
  return one;
};

class Fall {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(name);
    this.list = this.find('.fall ol');
    this.all = false;
  }

  // Rows are made once for a set of attributes, so that focus stays where it is while numbers change.
  prepare(data, sums) {
    Object.assign(this, { data, sums });
    this.order = sums.first.map((_, i) => i).sort((a, b) => Math.abs(sums.first[b]) - Math.abs(sums.first[a]) || a - b);
    this.few = this.order.length > LARGEST + 1;
    this.rows = new Map(['bias', ...this.order, 'others', 'score'].map((what) => [what, this.row(what)]));
    this.list.replaceChildren(...[...this.rows.values()].map(({ item }) => item));
    this.fold(this.all);
  }

  row(what) {
    const own = typeof what === 'number', item = made('li', own ? '' : what);
    const body = made(own ? 'button' : 'div', 'bar-row'), score = capital(this.data.scoreName);
    const [join, old, bar] = ['join', 'old', 'bar'].map((name) => made('i', name)), track = made('span', 'track');
    const words = { bias: 'Start', others: `${this.order.length - LARGEST} others`, score };
    const name = made('span', 'name', own ? this.data.names[what] : words[what]), value = made('span', 'value');
    track.append(join, old, bar);
    body.append(name, track, value);
    if (own) Object.assign(body, { type: 'button', tabIndex: -1 }).dataset.attribute = what;
    item.append(body);
    return { item, body, name, join, old, bar, value };
  }

  fold(all) {
    this.all = all;
    const open = all || !this.few;
    this.shown = open ? this.order : this.order.slice(0, LARGEST);
    this.rest = open ? [] : this.order.slice(LARGEST);
    this.order.forEach((i) => { this.rows.get(i).item.hidden = !this.shown.includes(i); });
    this.rows.get('others').item.hidden = open;
    const button = this.find('[data-do=all]');
    button.hidden = !this.few;
    button.textContent = all ? `Show the ${LARGEST} largest` : `Show all ${this.order.length}`;
    button.setAttribute('aria-expanded', String(all));
  }

  select(chosen) {
    this.order.forEach((i) => {
      const { body } = this.rows.get(i);
      body.setAttribute('aria-pressed', String(i === chosen));
      body.tabIndex = i === chosen ? 0 : -1;
    });
  }

  // [what, from, to] of every bar that is shown.
  steps(each) {
    let level = this.sums.bias;
    const parts = this.shown.map((i) => [i, each[i]]);
    if (this.rest.length) parts.push(['others', total(this.rest.map((i) => each[i]))]);
    return parts.map(([what, value]) => { level += value; return [what, level - value, level]; });
  }

  units(printed, what) { return what === 'others' ? total(this.rest.map((i) => printed.each[i])) : printed.each[what]; }

  draw() {
    const { data, sums } = this, { decimals } = data, wide = this.list.clientWidth > 480; // asked before anything moves
    const was = sums.printed(sums.first, decimals), now = sums.printed(sums.now, decimals, was);
    const [old, steps] = [this.steps(sums.first), this.steps(sums.now)];
    const levels = [sums.bias, ...old.map((one) => one[2]), ...steps.map((one) => one[2])];
    const low = Math.min(...levels), high = Math.max(...levels), edge = (high - low) * 0.03 || 0.5;
    this.ends = [low - edge, high + edge];
    Object.assign(this, { was, now, changed: sums.first.some((value, i) => value !== sums.now[i]) });
    steps.forEach((step, i) => this.drawBar(step, old[i]));
    this.drawEnd('bias', sums.bias, now.bias);
    this.drawEnd('score', sums.score(sums.now), now.score);
    this.rows.get('bias').join.style.left = this.place(sums.bias);
    this.axis(wide);
    this.head();
  }

  share(level) { return (level - this.ends[0]) / (this.ends[1] - this.ends[0]); }

  place(level) { return `${(100 * this.share(level)).toFixed(3)}%`; }

  lay(bar, from, to) {
    bar.style.left = this.place(Math.min(from, to));
    bar.style.width = `${(100 * Math.abs(this.share(to) - this.share(from))).toFixed(3)}%`;
  }

  drawBar([what, from, to], [, oldFrom, oldTo]) {
    const row = this.rows.get(what), { decimals } = this.data;
    const [units, before] = [this.units(this.now, what), this.units(this.was, what)];
    const own = what === 'others' ? this.rest : [what];
    const other = own.some((i) => this.sums.first[i] !== this.sums.now[i]);
    this.lay(row.bar, from, to);
    this.lay(row.old, oldFrom, oldTo);
    row.join.style.left = this.place(to);
    row.old.hidden = !this.changed;
    row.bar.classList.toggle('none', to === from);
    row.item.classList.toggle('changed', other);
    row.bar.classList.toggle('takes', to < from);
    row.old.classList.toggle('takes', oldTo < oldFrom);
    row.value.textContent = signed(units, decimals);
    const said = `${row.name.textContent}: ${verb(units)} ${plain(Math.abs(units), decimals)}`;
    row.body.title = other ? `${said}; it was ${signed(before, decimals)}` : said;
    if (what !== 'others') row.body.setAttribute('aria-label', row.body.title);
  }

  drawEnd(what, level, units) {
    const { bar, value } = this.rows.get(what);
    bar.style.left = this.place(level);
    value.textContent = plain(units, this.data.decimals);
  }

  axis(wide) {
    this.find('.axis').replaceChildren(...ticksOf(...this.ends, wide ? 5 : 3).map(([level, text]) => {
      const tick = made('span', '', text);
      tick.style.left = this.place(level);
      return tick;
    }));
  }

  // The number, what it was, and both on the scale of all scores, with what people gave.
  head() {
    const { data, sums, changed } = this, { decimals, crowd, limits } = data;
    const scores = [sums.score(sums.first), sums.score(sums.now)], print = (units) => plain(units, decimals);
    const people = crowd === null ? [] : [crowd], all = [...scores, ...people];
    const ends = limits || [Math.min(...all, sums.bias), Math.max(...all, sums.bias)], width = ends[1] - ends[0] || 1;
    const share = (score) => clamp((score - ends[0]) / width, 0, 1);
    const put = (name, score) => { this.find(name).style.left = `${(100 * share(score)).toFixed(2)}%`; };
    this.find('.called').textContent = capital(data.scoreName);
    this.find('.now').textContent = print(this.now.score);
    this.find('.was').textContent = changed ? `was ${print(this.was.score)}` : '';
    put('.scale .model', scores[0]);
    put('.scale .mine', scores[1]);
    if (people.length) put('.scale .crowd', crowd);
    this.find('.scale .crowd').hidden = !people.length;
    this.find('.scale .model').hidden = !changed;
    this.find('.low').textContent = rough(ends[0]);
    this.find('.high').textContent = rough(ends[1]);
    const entries = [['mine', changed ? 'Changed' : 'Network', print(this.now.score)]];
    if (changed) entries.push(['model', 'Network', print(this.was.score)]);
    if (people.length) entries.push(['crowd', 'Given', plain(Math.round(crowd * 10 ** decimals), decimals)]);
    this.find('.legend').replaceChildren(...entries.map(([mark, text, number]) => {
      const item = made('li');
      item.append(made('i', mark), made('span', '', text), made('b', '', number));
      return item;
    }));
  }
}
