/** Loaded by every Node under Wine: Wine 8 cannot set when a socket asks whether its other end is there, and `fetch` does. */
require('node:net').Socket.prototype.setKeepAlive = function () {
  return this;
};
