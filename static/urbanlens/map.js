// What UrbanLens adds to Leaflet: quiet outlines with names, many points on one canvas, an editable region, a legend.
(() => {
  const QUIET = 255, HIDDEN = 254;
  const PANES = { ground: 210, regions: 220, chosen: 440, points: 430, names: 450 };

  L.urbanPaper = (map, { ground, dark, bounds }) => {
    const frame = map.getContainer();
    frame.style.background = ground;
    frame.classList.toggle('urban-dark', dark);
    frame.setAttribute('aria-label', 'Map of the images');
    document.body.style.background = ground;
    for (const [name, depth] of Object.entries(PANES)) {
      const pane = map.createPane(name);
      pane.style.zIndex = depth;
      pane.classList.add('urban-still');
    }
    map.on('draw:drawstart draw:editstart draw:deletestart', () => { map.urbanDrawing = true; });
    // A rectangle ends when the mouse goes up; the click of that comes after and is still part of the drawing.
    map.on('draw:drawstop draw:editstop draw:deletestop', () => setTimeout(() => { map.urbanDrawing = false; }, 0));
    const [south, west, north, east] = bounds;
    const fit = () => map.fitBounds([[south, west], [north, east]], { animate: false, paddingTopLeft: [44, 8] });
    fit();
    L.control.scale({ position: 'bottomright', imperial: false }).addTo(map);
    let seen = frame.clientWidth > 0;
    new ResizeObserver(() => {
      map.invalidateSize({ animate: false });
      if (!seen && frame.clientWidth > 0) { seen = true; fit(); }
    }).observe(frame);
  };

  // --- outlines ------------------------------------------------------------------------------------------------
  // A name stands in the middle of its outline; above the points, where it marks a choice, at the northernmost corner.
  const top = (layer) => layer.getLatLngs().flat(Infinity).reduce((a, b) => (b.lat > a.lat ? b : a));
  const spot = (layer, pane) => (pane === 'chosen' ? top(layer) : layer.getBounds().getCenter());

  const Names = L.LayerGroup.extend({
    onAdd(map) {
      L.LayerGroup.prototype.onAdd.call(this, map);
      map.on('zoomend', this.untangle, this);
      this.untangle();
    },
    onRemove(map) {
      map.off('zoomend', this.untangle, this);
      L.LayerGroup.prototype.onRemove.call(this, map);
    },
    untangle() { // a name that would cover an earlier one is hidden
      const taken = [];
      this.eachLayer((marker) => {
        const element = marker.getElement();
        const at = this._map.latLngToLayerPoint(marker.getLatLng());
        const half = 3.4 * element.textContent.length + 4;
        const free = taken.every((t) => Math.abs(t.x - at.x) > t.half + half || Math.abs(t.y - at.y) > 15);
        element.classList.toggle('hidden', !free);
        if (free) taken.push({ x: at.x, y: at.y, half });
      });
    },
  });

  L.urbanOutlines = ({ pane, features }) => {
    const shapes = L.geoJSON({ type: 'FeatureCollection', features }, {
      pane, interactive: false, style: (feature) => feature.properties.style,
    });
    const names = new Names();
    shapes.eachLayer((layer) => {
      const label = layer.feature.properties.label;
      if (!label) return;
      const text = document.createElement('span');
      text.textContent = label;
      const className = pane === 'chosen' ? 'urban-name badge' : 'urban-name';
      if (pane === 'chosen') text.style.background = layer.feature.properties.style.color;
      names.addLayer(L.marker(spot(layer, pane), {
        pane: 'names', interactive: false, keyboard: false, icon: L.divIcon({ className, html: text }),
      }));
    });
    return L.layerGroup([shapes, names]);
  };

  // The file's corners are [longitude, latitude]; rings of a polygon: its outline, then its holes.
  L.urbanWorld = ({ address, land, sea, coast, border }) => {
    const shapes = L.layerGroup();
    fetch(address).then((answer) => answer.json()).then((world) => {
      const turn = (line) => line.map(([lon, lat]) => [lat, lon]);
      const still = { pane: 'ground', interactive: false };
      for (const rings of world.land) {
        L.polygon(rings.map(turn), { ...still, color: coast, weight: 1, fillColor: land, fillOpacity: 1 }).addTo(shapes);
      }
      L.polyline(world.borders.map(turn), { ...still, color: border, weight: 0.8 }).addTo(shapes);
      const map = shapes._map;
      if (map) map.getContainer().style.background = sea;
    });
    return shapes;
  };

  // --- points --------------------------------------------------------------------------------------------------
  const REACH = 9; // px
  // While a shape is drawn, a click sets a corner.
  const drawing = (map) => map.urbanDrawing;

  const unpack = ({ n, bits, box, data }) => {
    const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
    const Steps = bits === 16 ? Uint16Array : Uint32Array;
    const size = Steps.BYTES_PER_ELEMENT, most = 2 ** bits - 1;
    const rows = new Steps(bytes.buffer, 0, n), columns = new Steps(bytes.buffer, n * size, n);
    const [south, west, north, east] = box;
    return {
      lat: (i) => south + (rows[i] / most) * Math.max(north - south, 1e-9),
      lon: (i) => west + (columns[i] / most) * Math.max(east - west, 1e-9),
      classes: new Uint8Array(bytes.buffer, 2 * n * size, n),
    };
  };

  const legendBox = (map, title, lines) => {
    const box = L.DomUtil.create('details', 'urban-legend');
    box.open = map.getSize().x > 420;
    L.DomUtil.create('summary', '', box).textContent = title || 'Legend';
    for (const [label, colour, count] of lines) {
      const line = L.DomUtil.create('div', '', box);
      L.DomUtil.create('span', 'dot', line).style.background = colour;
      line.append(label);
      if (count !== null) L.DomUtil.create('span', 'count', line).textContent = count.toLocaleString('en');
    }
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
    return box;
  };

  const Points = L.Renderer.extend({
    initialize(message) {
      L.Renderer.prototype.initialize.call(this, { pane: 'points', padding: 0.2 });
      this.message = message;
    },

    onAdd(map) {
      const { n, colours, title, legend } = this.message;
      const { lat, lon, classes } = unpack(this.message);
      this.classes = classes;
      this.x = new Float64Array(n);
      this.y = new Float64Array(n);
      for (let i = 0; i < n; i += 1) {
        const at = map.project([lat(i), lon(i)], 0);
        this.x[i] = at.x;
        this.y[i] = at.y;
      }
      this.colours = colours;
      L.Renderer.prototype.onAdd.call(this, map);
      map.on('click', this.pick, this).on('mousemove', this.point, this);
      if (legend.length) {
        this.legend = L.control({ position: 'bottomleft' });
        this.legend.onAdd = () => legendBox(map, title, legend);
        this.legend.addTo(map);
      }
    },

    onRemove(map) {
      if (this.legend) this.legend.remove();
      map.off('click', this.pick, this).off('mousemove', this.point, this);
      L.Renderer.prototype.onRemove.call(this, map);
    },

    near(at, reach) { // points within reach of a place in the map's frame, the nearest first
      const scale = this._map.getZoomScale(this._map.getZoom(), 0);
      const origin = this._map.getPixelOrigin(), spot = this._map.containerPointToLayerPoint(at);
      const found = [];
      for (let i = 0; i < this.x.length; i += 1) {
        if (this.classes[i] === HIDDEN) continue;
        const x = this.x[i] * scale - origin.x - spot.x, y = this.y[i] * scale - origin.y - spot.y;
        const far = x * x + y * y;
        if (far <= reach * reach) found.push([far, i]);
      }
      return found.sort((a, b) => a[0] - b[0]).map(([, i]) => i);
    },

    point({ containerPoint }) {
      const over = !drawing(this._map) && this.near(containerPoint, REACH).length > 0;
      this._map.getContainer().classList.toggle('urban-over', over);
    },

    pick({ containerPoint, originalEvent }) { // a second click at the same place takes the next point there
      const found = drawing(this._map) || originalEvent.detail > 1 ? [] : this.near(containerPoint, REACH);
      if (!found.length) return;
      const last = this._map.urbanPicked, zoom = this._map.getZoom();
      const again = last && last.zoom === zoom && containerPoint.distanceTo(last.at) < 3;
      const next = again ? found[(found.indexOf(last.point) + 1) % found.length] : found[0];
      this._map.urbanPicked = { point: next, at: containerPoint, zoom };
      window.__GLOBAL_DATA__.last_object_clicked_popup = `${next}#${Date.now()}`;
    },

    _initContainer() {
      this._container = document.createElement('canvas');
      this._container.setAttribute('data-points', this.message.n);
    },

    _destroyContainer() { this._container.remove(); this._container = null; },

    _updatePaths() {},

    _update() {
      if (this._map._animatingZoom && this._bounds) return;
      L.Renderer.prototype._update.call(this);
      const { min } = this._bounds, size = this._bounds.getSize();
      const canvas = this._container, ratio = window.devicePixelRatio || 1;
      L.DomUtil.setPosition(canvas, min);
      canvas.width = size.x * ratio;
      canvas.height = size.y * ratio;
      canvas.style.width = `${size.x}px`;
      canvas.style.height = `${size.y}px`;
      const context = canvas.getContext('2d');
      context.scale(ratio, ratio);
      this.draw(context, min, size, ratio);
    },

    draw(context, min, size, ratio) {
      const map = this._map, zoom = map.getZoom(), scale = map.getZoomScale(zoom, 0);
      const origin = map.getPixelOrigin(), n = this.x.length;
      const crowd = n > 20000 ? 0.55 : 1;
      const radius = Math.min(7, Math.max(2.6, 2.6 + (zoom - 13) * 0.7)) * crowd;
      const stamps = this.colours.map((colour) => this.stamp(colour, radius, ratio));
      const quiet = this.stamp('#8a8f94aa', radius * 0.7, ratio);
      for (const first of [true, false]) { // quiet points first, so that they cover none of the others
        for (let i = 0; i < n; i += 1) {
          const kind = this.classes[i];
          if (kind === HIDDEN || (kind === QUIET) !== first) continue;
          const { picture, half } = kind === QUIET ? quiet : stamps[kind];
          const x = this.x[i] * scale - origin.x - min.x, y = this.y[i] * scale - origin.y - min.y;
          if (x < -half || y < -half || x > size.x + half || y > size.y + half) continue;
          context.drawImage(picture, x - half, y - half, half * 2, half * 2);
        }
      }
      const { chosen } = this.message;
      if (chosen === null) return;
      const x = this.x[chosen] * scale - origin.x - min.x, y = this.y[chosen] * scale - origin.y - min.y;
      for (const [width, colour] of [[5, '#fff'], [2.5, '#111']]) {
        context.beginPath();
        context.arc(x, y, radius + 4, 0, 2 * Math.PI);
        context.lineWidth = width;
        context.strokeStyle = colour;
        context.stroke();
      }
    },

    stamp(colour, radius, ratio) {
      const half = radius + 1.5, picture = document.createElement('canvas');
      picture.width = Math.ceil(half * 2 * ratio);
      picture.height = picture.width;
      const context = picture.getContext('2d');
      context.scale(picture.width / (half * 2), picture.width / (half * 2));
      context.beginPath();
      context.arc(half, half, radius, 0, 2 * Math.PI);
      context.fillStyle = colour;
      context.fill();
      if (radius > 2) {
        context.lineWidth = 0.8;
        context.strokeStyle = 'rgba(255,255,255,.7)';
        context.stroke();
      }
      return { picture, half };
    },
  });

  L.urbanPoints = (message) => new Points(message);

  // --- the chosen region ---------------------------------------------------------------------------------------
  const Editable = L.Layer.extend({
    initialize({ geometry, colour, focus, jump }) { Object.assign(this, { geometry, colour, focus, jump }); },
    onAdd(map) { // a map that has just been opened shows the region; later it jumps only where it is told to
      const wanted = JSON.stringify(this.focus);
      if (this.focus && wanted !== map.urbanFocus && (this.jump || map.urbanFocus === undefined)) {
        const [south, west, north, east] = this.focus;
        map.fitBounds([[south, west], [north, east]], { animate: false });
      }
      map.urbanFocus = wanted;
      const drawn = window.drawnItems;
      if (!drawn || !drawn.clearLayers) return;
      drawn.clearLayers();
      if (this.geometry) {
        const style = { color: this.colour, weight: 2.5, fillOpacity: 0.06 };
        L.geoJSON(this.geometry, { style }).eachLayer((layer) => drawn.addLayer(layer));
      }
      // What the map says next must not bring back what was drawn before.
      window.__GLOBAL_DATA__.all_drawings = drawn.toGeoJSON().features;
    },
    onRemove() {},
  });

  L.urbanEditable = (message) => new Editable(message);
})();
