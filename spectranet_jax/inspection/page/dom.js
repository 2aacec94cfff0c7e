// Elements of the page. Text is set as text: nothing of the data is ever read as HTML.

export const get = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export const fill = (id, ...children) => get(id).replaceChildren(...children);

export const data = (id) => JSON.parse(get(id).textContent);

let clearing = 0;
let lasting = "";

// A message; "" takes the last one back.
export function tell(text) {
  get("message").textContent = text || lasting;
  clearTimeout(clearing);
  clearing = setTimeout(() => { get("message").textContent = lasting; }, 6000);
}

// A message that stays until the page is closed, beneath others.
export function warn(text) {
  lasting = text;
  tell(text);
}

// A number to so many digits after the point; "" of none.
export const digits = (value, count) => (value === null || value === undefined ? "" : value.toFixed(count));

// A share as percent that claims no certainty: 99.97% is ">99.9%".
export function percent(share) {
  if (share === null || share === undefined) return "";
  if (share > 0.999) return ">99.9%";
  if (share < 0.001) return "<0.1%";
  return `${(100 * share).toFixed(share > 0.1 && share < 0.99 ? 0 : 1)}%`;
}
