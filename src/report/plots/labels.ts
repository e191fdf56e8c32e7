/** Labels beside points, placed so that they cover neither each other nor the points. */

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Placed extends Box {
  /** The label lies so far off that a line should lead to its point. */
  far: boolean;
}

const HEIGHT = 13;

/**
 * Of each point the box of its label. Each label takes the best free place around its point, nearest first; then all are tried
 * again, since others have taken theirs. Who chooses first matters: of several orders the one that ends best counts.
 */
export function placeLabels(points: LabelledPoint[], bounds: Box, obstacles: Box[]): Placed[] {
  const candidates = points.map((point) =>
    around(point).map((place, rank): Candidate => {
      const covered = sum(obstacles, (obstacle) => overlap(place, obstacle) * 5);
      return { place, cost: rank * 4 + outside(place, bounds) * 40 + covered };
    }),
  );
  const written = points.map((_, index) => index);
  const orders = [
    written,
    [...written].reverse(),
    [...written].sort((a, b) => points[a].x - points[b].x),
    [...written].sort((a, b) => points[b].x - points[a].x),
    [...written].sort((a, b) => points[a].y - points[b].y),
  ];
  const ends = orders.map((order) => settle(candidates, order));
  return ends.reduce((best, end) => (end.cost < best.cost ? end : best)).places;
}

export interface LabelledPoint {
  x: number;
  y: number;
  width: number;
}

interface Candidate {
  place: Placed;
  /** Of this place whatever the others take. */
  cost: number;
}

function settle(candidates: Candidate[][], order: number[]): { places: Placed[]; cost: number } {
  const chosen: (Candidate | undefined)[] = candidates.map(() => undefined);
  const clash = (place: Placed, index: number) =>
    sum(chosen, (other, at) => (other === undefined || at === index ? 0 : overlap(place, other.place) * 10));
  for (let round = 0; round < 4; round++) {
    for (const index of order) {
      let least = Number.POSITIVE_INFINITY;
      let best = candidates[index][0];
      for (const candidate of candidates[index]) {
        if (candidate.cost >= least) continue;
        const cost = candidate.cost + clash(candidate.place, index);
        if (cost < least) [least, best] = [cost, candidate];
      }
      chosen[index] = best;
    }
  }
  const taken = chosen.filter((candidate) => candidate !== undefined);
  return {
    places: taken.map(({ place }) => place),
    cost: sum(taken, ({ place, cost }, index) => cost + clash(place, index)),
  };
}

/** Right, left, above, below, then the same further off in rings. */
function around({ x, y, width }: LabelledPoint): Placed[] {
  const places: Placed[] = [];
  const put = (left: number, middle: number, far: boolean) =>
    places.push({ left, right: left + width, top: middle - HEIGHT / 2, bottom: middle + HEIGHT / 2, far });
  for (const [ring, distance] of [9, 22, 36, 52, 70, 92].entries()) {
    const far = ring > 0;
    put(x + distance, y, far);
    put(x - distance - width, y, far);
    for (const direction of [-1, 1]) {
      const middle = y + direction * (distance + 3);
      put(x + distance * 0.7, middle, far);
      put(x - distance * 0.7 - width, middle, far);
      put(x - width / 2, middle + direction * 3, far);
    }
  }
  return places;
}

/** Square pixels that two boxes share. */
export function overlap(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

function outside(box: Box, bounds: Box): number {
  return (box.right - box.left) * (box.bottom - box.top) - overlap(box, bounds);
}

function sum<T>(items: T[], value: (item: T, index: number) => number): number {
  return items.reduce((total, item, index) => total + value(item, index), 0);
}
