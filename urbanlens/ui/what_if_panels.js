// The three squares of the selected attribute: its map, its template, and what both make of this image.
const FINE = 360; // px along a square's side at least, whatever its size on the page
const HEAT = '#ffd23f'; // of the map: apart from both colours, bright on a grey picture

const withAlpha = (colour, share) => colour + Math.round(255 * clamp(share, 0, 1)).toString(16).padStart(2, '0');

class Panels {
  constructor(root) {
    this.canvases = ['map', 'template', 'product'].map((name) => root.querySelector(`.${name} canvas`));
    this.ranges = ['template', 'product'].map((name) => root.querySelector(`.${name} .range`));
    this.picture = null; // in grey, as large as a square
    this.cursor = 0; // the template's cell for keys
    this.keyed = false;
  }

  prepare(sums, colours) {
    Object.assign(this, { sums, colours, cell: Math.ceil(FINE / sums.side) });
    const middle = Math.floor(sums.side / 2);
    if (this.cells !== sums.side) this.cursor = middle * sums.side + middle;
    this.cells = sums.side;
    const width = this.cell * sums.side;
    this.canvases.forEach((canvas) => { Object.assign(canvas, { width, height: width }); });
  }

  // Grey, so that colours are what the attribute does.
  setPicture(image) {
    this.picture = null;
    if (!image) return;
    const grey = document.createElement('canvas'), context = grey.getContext('2d');
    grey.width = this.canvases[0].width;
    grey.height = grey.width;
    context.drawImage(image, 0, 0, grey.width, grey.height);
    context.globalCompositeOperation = 'saturation';
    context.fillStyle = '#808080';
    context.fillRect(0, 0, grey.width, grey.height);
    context.globalCompositeOperation = 'source-over';
    context.fillStyle = '#00000038';
    context.fillRect(0, 0, grey.width, grey.height);
    this.picture = grey;
  }

  // values: of the cells; colour(value): of one; ground: whether the picture lies beneath
  fill(canvas, values, colour, ground) {
    const context = canvas.getContext('2d'), { cell, cells } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (ground && this.picture) context.drawImage(this.picture, 0, 0, canvas.width, canvas.height);
    values.forEach((value, at) => {
      if (!value) return;
      context.fillStyle = colour(value);
      context.fillRect((at % cells) * cell, Math.floor(at / cells) * cell, cell, cell);
    });
    return context;
  }

  draw(i, change) {
    const { sums, colours: [adds, takes] } = this, [map, template, product] = this.canvases;
    const most = sums.peak(sums.maps[i]) || 1, values = sums.template(i, change);
    const ends = Math.max(sums.unit(i), sums.peak(values)), bars = sums.product(i, change);
    // Measured against the unchanged image, so that twice as strong looks stronger.
    const loudest = Math.max(sums.peak(sums.product(i, unchanged())), sums.peak(bars) / 2) || 1;
    const either = (value, share) => withAlpha(value > 0 ? adds : takes, share * Math.abs(value));
    this.fill(map, sums.map(i, change), (value) => withAlpha(HEAT, 0.6 * Math.abs(value) / most), true);
    this.marks(this.fill(template, values, (value) => either(value, 1 / ends), false), change);
    this.fill(product, bars, (value) => either(value, 0.85 / loudest), true);
    this.ranges[0].textContent = `Full colour: ±${rough(ends)} a cell`;
  }

  // A grid, a dot in every painted cell, and the cell that the keys are on.
  marks(context, change) {
    const { cell, cells, cursor } = this, side = cell * cells;
    context.fillStyle = '#8884';
    for (let at = cell; at < side; at += cell) {
      context.fillRect(at, 0, 1, side);
      context.fillRect(0, at, side, 1);
    }
    change.edits.forEach((_, at) => {
      const dot = [(at % cells + 0.5) * cell, (Math.floor(at / cells) + 0.5) * cell];
      [['#000a', 0.16], ['#fff', 0.1]].forEach(([colour, share]) => {
        context.fillStyle = colour;
        context.beginPath();
        context.arc(...dot, cell * share, 0, 7);
        context.fill();
      });
    });
    if (!this.keyed) return;
    [['#fff', 7], ['#000', 3]].forEach(([colour, width]) => {
      Object.assign(context, { strokeStyle: colour, lineWidth: width });
      context.strokeRect((cursor % cells) * cell + 2, Math.floor(cursor / cells) * cell + 2, cell - 4, cell - 4);
    });
  }

  // [row, column] of a pointer on a square; also beyond its edges.
  at(canvas, event) {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const [down, right] = [(event.clientY - top) / height, (event.clientX - left) / width];
    return [Math.floor(down * this.cells), Math.floor(right * this.cells)];
  }

  // Cells on the straight way between two, so that a fast hand leaves no gaps.
  between([row, column], [toRow, toColumn]) {
    const steps = Math.max(1, Math.abs(toRow - row), Math.abs(toColumn - column)), found = [];
    for (let i = 0; i <= steps; i += 1) {
      const a = Math.round(row + (toRow - row) * i / steps), b = Math.round(column + (toColumn - column) * i / steps);
      if (a >= 0 && b >= 0 && a < this.cells && b < this.cells) found.push(a * this.cells + b);
    }
    return found;
  }
}
