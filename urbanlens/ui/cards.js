// Cards with pictures, names and numbers; a click tells Python which.
const boards = new WeakMap();

class Board {
  constructor(parent) {
    this.root = parent.querySelector('.cards');
    this.root.addEventListener('click', (event) => {
      const card = event.target.closest('button');
      if (card) { this.press(card.dataset.value); this.send(card.dataset.value); }
    });
  }

  update(data, send) {
    this.send = send;
    const text = JSON.stringify(data);
    if (text === this.text) return;
    this.text = text;
    this.root.style.setProperty('--cell', `${data.size}px`);
    this.root.setAttribute('aria-label', data.label);
    const focused = this.root.contains(this.root.getRootNode().activeElement) && this.root.getRootNode().activeElement.dataset.value;
    this.root.replaceChildren(...data.cards.map((card) => this.card(card, data.clickable)));
    this.press(data.chosen);
    if (focused) this.all().find((card) => card.dataset.value === focused)?.focus();
  }

  all() { return [...this.root.querySelectorAll('[data-value]')]; }

  press(value) {
    this.all().forEach((card) => card.tagName === 'BUTTON' && card.setAttribute('aria-pressed', card.dataset.value === value));
  }

  card({ value, pictures, title, lines, frame, width }, clickable) {
    const make = (tag, name, text) => {
      const one = document.createElement(tag);
      if (name) one.className = name;
      if (text) one.textContent = text;
      return one;
    };
    const card = make(clickable ? 'button' : 'div', 'card');
    if (clickable) card.type = 'button';
    card.dataset.value = value;
    const row = make('span', 'row');
    pictures.forEach(({ url, alt, under, coarse }) => {
      const cell = make('span', 'cell'), image = make('img', coarse ? 'coarse' : '');
      image.src = url;
      image.alt = alt;
      cell.append(image);
      if (under) cell.append(make('small', '', under));
      row.append(cell);
    });
    if (frame) { row.style.outline = `${width}px solid ${frame}`; row.style.margin = `${width}px`; }
    card.append(row, make('b', '', title), ...lines.map((line) => make('span', 'line', line)));
    return card;
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  const kept = boards.get(parentElement) || new Board(parentElement);
  boards.set(parentElement, kept);
  kept.update(data, (value) => setTriggerValue('clicked', value));
  return () => boards.delete(parentElement);
}
