// Joins JupyterLab's own configuration for extensions.
const { join } = require('node:path');

module.exports = {
  module: {
    rules: [{ test: /uPlot\.esm\.js$/, use: join(__dirname, 'slim-uplot.cjs') }]
  }
};
