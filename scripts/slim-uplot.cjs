// uPlot without what the panel's chart never draws, 15 of its 51 kB. A loader for rspack;
// scripts/bundle.mjs calls it, too.
//
// Bars, splines, steps and helpers for other people's charts hang as statics on its class, where no
// bundler can tell that nobody asks for them: they are cut off. What an option would turn on is
// written as the constant that it is for us, and the minifier drops the rest by itself.
const STATICS = ['uPlot.assign = assign;', 'export { uPlot as default };'];

/** What stands there, what it is for us, and how often that is to be found. */
const NEVER = [
  // Scales are linear: no ordinal, logarithmic, arcsinh or own ones.
  [/(?:\b\w+\.)?\bdistr *(?:==|>=) *(?:2|3|4|100)\b/g, 'false', 31],
  // All series share their x (mode 1); clouds of points would not (mode 2).
  [/\bmode == 2\b/g, 'false', 16],
  [/\bmode == 1\b/g, 'true', 16],
  // The legend and the labels of both axes are the panel's own.
  [/^\t(?:const (?:showLegend|cursorFocus|cursorOnePt)|let multiValLegend) *= .*$/gm, '', 4],
  [/^\t\tmultiValLegend = .*\n\t\tlegendCols = .*$/gm, '', 1],
  [/^\t*let isTime = .*;$/gm, '', 3],
  [/\b(?:showLegend|cursorFocus|cursorOnePt|multiValLegend|isTime)\b|\blegend\.(?:show|live)\b/g, 'false', 40],
  // So the calendar that it would write along a time axis is nobody's.
  [/^const \[ timeIncrs.*$/gm, '', 2],
  [/^\tconst _(?:timeAxisSplits|timeAxisVals|timeSeriesVal|tzDate|fmtDate) *= .*$/gm, '', 5]
];

module.exports = source => {
  const [from, to] = STATICS.map(text => source.indexOf(text));
  let slim = from < 0 || to < from ? '' : source.slice(0, from) + source.slice(to);
  for (const [what, constant, count] of NEVER) {
    const found = slim.match(what) ?? [];
    if (found.length !== count) {
      throw new Error(`uPlot looks otherwise than scripts/slim-uplot.cjs knows it: ${found.length} and not ${count} of ${what}`);
    }
    slim = slim.replace(what, constant);
  }
  return slim;
};
