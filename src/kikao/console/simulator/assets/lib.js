// The one door to the vendored libraries: classic scripts that leave globals behind (see vendored/README.md).

const { h, render } = globalThis.preact;

export const { useEffect, useId, useLayoutEffect, useReducer, useRef, useState } = globalThis.preactHooks;
export const html = globalThis.htm.bind(h);
export { render };
