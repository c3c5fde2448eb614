// A straight line through samples by least squares, and how sure its slope is.

/**
 * slope in units of y an x, with its standard error. Samples in a row are alike, which makes the textbook's error too
 * small: it is widened by the residuals' correlation from one sample to the next.
 */
export function slopeOf(points) {
  const n = points.length;
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / n;
  const meanX = mean(([x]) => x);
  const meanY = mean(([, y]) => y);
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
  const rest = points.map(([x, y]) => y - meanY - slope * (x - meanX));
  const squares = rest.reduce((sum, one) => sum + one * one, 0);
  const alike = squares === 0 ? 0 : rest.slice(1).reduce((sum, one, at) => sum + one * rest[at], 0) / squares;
  const known = Math.min(Math.max(alike, 0), 0.95);
  const error = Math.sqrt((squares / (n - 2) / spread) * ((1 + known) / (1 - known)));
  return { slope, error, mean: meanY };
}

/** Grows: more than three standard errors above zero, and by so much an hour that it matters. */
export function grows({ slope, error }, matters) {
  return slope > 3 * error && slope > matters;
}
