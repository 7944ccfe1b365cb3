// uPlot without what the panel never draws: bars, splines, steps, and helpers for other people's
// charts hang as statics on its class, where no bundler can tell that nobody asks for them. They
// are 6.7 of its 51 kB. A loader for rspack; scripts/bundle.mjs calls it, too.
const FROM = 'uPlot.assign = assign;';
const TO = 'export { uPlot as default };';

module.exports = source => {
  const [from, to] = [source.indexOf(FROM), source.indexOf(TO)];
  if (from < 0 || to < from) {
    throw new Error('uPlot looks otherwise than scripts/slim-uplot.cjs knows it: see what it exports now');
  }
  return source.slice(0, from) + source.slice(to);
};
