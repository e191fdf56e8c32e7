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
 * again, since later ones have taken theirs.
 */
export function placeLabels(
  points: { x: number; y: number; width: number }[],
  bounds: Box,
  obstacles: Box[],
): Placed[] {
  const candidates = points.map((point) => around(point));
  const chosen = candidates.map(([first]) => first);
  for (let round = 0; round < 4; round++) {
    for (const [index, places] of candidates.entries()) {
      const others = chosen.filter((_, other) => other !== index);
      let least = Number.POSITIVE_INFINITY;
      for (const [rank, place] of places.entries()) {
        const cost =
          rank * 4 +
          outside(place, bounds) * 40 +
          sum(others, (other) => overlap(place, other) * 10) +
          sum(obstacles, (obstacle) => overlap(place, obstacle) * 5);
        if (cost < least) {
          least = cost;
          chosen[index] = place;
        }
      }
    }
  }
  return chosen;
}

/** Right, left, above, below, then the same further off in rings. */
function around({ x, y, width }: { x: number; y: number; width: number }): Placed[] {
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

function sum<T>(items: T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
