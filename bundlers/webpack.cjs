// webpack and Rspack take this file, by the condition `webpack`.
module.exports = require('!!./webpack-loader.cjs!../index.js')
