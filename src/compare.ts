/** Whether one run of a cell took less energy than another. Pure. */
import type { IFigures } from './wire';

/** Negative: so much less than before, as a part of it. `null`: no difference shown. */
export function change(now: IFigures, before: IFigures): number | null {
  const { energyJ, energyLowJ, energyHighJ } = now;
  if (energyJ === null || energyLowJ === null || energyHighJ === null || !before.energyJ) {
    return null;
  }
  const [low, high] = [before.energyLowJ ?? 0, before.energyHighJ ?? Infinity];
  const apart = energyHighJ < low || energyLowJ > high;
  return apart ? energyJ / before.energyJ - 1 : null;
}
