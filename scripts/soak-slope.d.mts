type Line = { slope: number; error: number; mean: number };

export function slopeOf(points: readonly (readonly [x: number, y: number])[]): Line;
export function grows(line: Line, matters: number): boolean;
