// The page for people: it asks the service and shows the answers. All text is set as text, never as HTML.
"use strict";

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const STORES_OF_CHART = 5;
const money = new Intl.NumberFormat("he-IL", { style: "currency", currency: "ILS" });
const dateTime = new Intl.DateTimeFormat("he-IL",
  { day: "numeric", month: "numeric", hour: "numeric", minute: "2-digit", timeZone: "Asia/Jerusalem" });
const day = new Intl.DateTimeFormat("he-IL", { day: "numeric", month: "numeric", timeZone: "Asia/Jerusalem" });
const UNITS = { kg: "לק״ג", l: "לליטר", m: "למטר", piece: "ליחידה" };
const basket = new Map();
const TOWNS = ["ירושלים", "תל אביב-יפו", "חיפה", "באר שבע", "אילת"];
let country = [];
let shown = null;
let turn = 0;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function shape(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

async function ask(path, query = {}, body = null) {
  const address = new URL(`v1/${path}`, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    for (const single of [value].flat()) if (single !== "" && single !== null) address.searchParams.append(name, single);
  }
  const headers = body ? { "Content-Type": "application/json" } : {};
  const key = sessionStorage.getItem("key");
  if (key) headers.Authorization = `Bearer ${key}`;
  const response = await fetch(address, { headers, method: body ? "POST" : "GET", body: body && JSON.stringify(body) });
  if (response.ok) return response.json();
  const problem = await response.json();
  if (problem.code === "key_needed") $("key-form").hidden = false;
  throw Object.assign(new Error(problem.detail), { problem });
}

const MESSAGES = {
  key_needed: "השירות דורש מפתח",
  busy: "השירות עמוס, כדאי לנסות שוב בעוד רגע",
  timed_out: "החיפוש ארך יותר מדי",
  unknown_product: "אין מוצר כזה",
};

async function attempt(work) {
  try {
    say("");
    await work();
  } catch (error) {
    const problem = error.problem || {};
    const isLocality = (problem.errors || []).some((wrong) => wrong.where.includes("locality"));
    say(isLocality ? "אין יישוב יחיד בשם הזה" : MESSAGES[problem.code] || `השירות לא ענה: ${error.message}`);
  }
}

function say(text) {
  $("message").textContent = text;
}

const locality = () => $("locality").value.trim();
const place = (row) => row.locality_name || (row.is_online ? "אונליין" : "");

async function search() {
  clearTimeout(search.timer);
  const words = $("words").value.trim();
  if (!words) return;
  const mine = ++turn;
  const { rows } = await ask("search", { q: words, limit: 20 });
  if (mine !== turn) return;
  $("found").replaceChildren(...rows.map((row) => {
    const button = element("button", { type: "button" }, row.name || row.gtin || "", " ",
      element("small", { textContent: `${row.chains} רשתות · ${row.gtin || "קוד פנימי"}` }));
    button.disabled = !row.gtin;
    button.addEventListener("click", () => attempt(() => show(row)));
    return element("li", {}, button);
  }));
  say(rows.length ? `נמצאו ${rows.length} מוצרים` : "לא נמצאו מוצרים");
}

// Another product, or town, can be chosen before an answer comes: what is about the earlier one is dropped.
async function show(product) {
  const mine = { gtin: product.gtin, name: product.name, next: null, rows: [] };
  shown = mine;
  clearTimeout(search.timer);
  turn += 1;
  $("name").textContent = product.name;
  $("about").textContent = `ברקוד ${product.gtin}`;
  $("prices").replaceChildren();
  $("product").hidden = false;
  $("found").replaceChildren();
  const [, offers] = await Promise.all([
    morePrices(),
    ask(`products/${product.gtin}/promotions`, { locality: locality(), limit: 20 }),
  ]);
  if (shown !== mine) return;
  showOffers(offers.rows);
  await showHistory();
  if (shown === mine) $("product").focus();
}

async function morePrices() {
  const mine = shown;
  $("more").hidden = true;
  try {
    const query = { locality: locality(), limit: 20, cursor: mine.next };
    const { rows, next } = await ask(`products/${mine.gtin}/prices`, query);
    if (shown !== mine) return;
    mine.rows.push(...rows);
    mine.next = next;
    $("prices").append(...rows.map(priceRow));
    showMap();
    if (!mine.rows.length) say("המוצר לא נמכר ביישוב הזה");
  } finally {
    if (shown === mine) $("more").hidden = mine.next === null;
  }
}

function priceRow(row) {
  const made = element("tr", {}, ...[
    money.format(row.price),
    row.comparable_price ? `${money.format(row.comparable_price)} ${UNITS[row.base_unit]}` : "",
    row.chain_name || row.chain_id,
    row.store_name || row.store_id,
    place(row),
    dateTime.format(new Date(row.confirmed_at)),
  ].map((text) => element("td", { textContent: text })));
  made.dataset.locality = row.latitude ? row.locality_name : "";
  return made;
}

// The towns of the rows, each in its middle; all localities as small dots behind them draw the country.
function showMap() {
  const spots = new Map();
  for (const row of shown.rows.filter((priced) => priced.latitude)) {
    const spot = spots.get(row.locality_name) || { name: row.locality_name, latitude: Number(row.latitude),
      longitude: Number(row.longitude), lowest: Number(row.price), stores: 0 };
    spot.stores += 1;
    spots.set(row.locality_name, spot);
  }
  $("place").hidden = spots.size === 0;
  $("map").replaceChildren(...(spots.size ? [map([...spots.values()])] : []));
}

function map(spots) {
  const inView = bounds(spots);
  const narrowing = Math.cos((inView.south + inView.north) * Math.PI / 360);
  const wide = Math.max((inView.east - inView.west) * narrowing, (inView.north - inView.south) / 2.4);
  const scale = 200 / wide;
  const left = (200 - (inView.east - inView.west) * narrowing * scale) / 2;
  const height = (inView.north - inView.south) * scale;
  const x = (at) => left + (at.longitude - inView.west) * narrowing * scale;
  const y = (at) => (inView.north - at.latitude) * scale;
  const isSeen = (at) => at.latitude && x(at) >= 0 && x(at) <= 200 && y(at) >= 0 && y(at) <= height;
  const drawn = shape("svg", { viewBox: `0 0 200 ${height}`, role: "group", direction: "ltr",
    "aria-label": "מפת היישובים שבהם המוצר נמכר" });
  for (const at of country.filter(isSeen)) drawn.append(shape("circle", { class: "land", cx: x(at), cy: y(at), r: 1.6 }));
  const lowest = Math.min(...spots.map((spot) => spot.lowest));
  for (const spot of [...spots].sort((one, other) => other.lowest - one.lowest)) drawn.append(marker(spot, x(spot), y(spot), lowest));
  for (const at of country.filter((town) => TOWNS.includes(town.name) && isSeen(town))) {
    const isRight = x(at) > 110;
    drawn.append(shape("text", { x: x(at) + (isRight ? 9 : -9), y: y(at) - 8, "text-anchor": isRight ? "start" : "end" }, at.name));
  }
  return drawn;
}

// The country as far as it is known, or the surroundings of the spots where these are close together.
function bounds(spots) {
  const around = (points, margin) => ({
    south: Math.min(...points.map((at) => at.latitude)) - margin, north: Math.max(...points.map((at) => at.latitude)) + margin,
    west: Math.min(...points.map((at) => at.longitude)) - margin, east: Math.max(...points.map((at) => at.longitude)) + margin,
  });
  const near = around(spots, 0.2);
  return near.north - near.south < 0.8 || !country.length ? near : around(country, 0.05);
}

function marker(spot, x, y, lowest) {
  const label = `${spot.name}: ${money.format(spot.lowest)}, ${spot.stores} סניפים`;
  const made = shape("g", { tabindex: 0, role: "button", "aria-pressed": "false", "aria-label": label,
    class: spot.lowest === lowest ? "cheapest" : "" });
  made.append(shape("title", {}, label), shape("circle", { class: "spot", cx: x, cy: y, r: 4 + Math.min(spot.stores, 5) }));
  if (spot.lowest === lowest) made.append(shape("text", { class: "price", x: x - 12, y: y + 6, "text-anchor": "end" }, money.format(spot.lowest)));
  const choose = () => {
    const isChosen = made.getAttribute("aria-pressed") === "false";
    for (const other of $("map").querySelectorAll("g")) other.setAttribute("aria-pressed", String(isChosen && other === made));
    for (const row of $("prices").rows) row.classList.toggle("chosen", isChosen && row.dataset.locality === spot.name);
    const first = $("prices").querySelector(".chosen");
    if (first) first.scrollIntoView({ block: "nearest" });
  };
  made.addEventListener("click", choose);
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose();
  });
  return made;
}

function conditions(offer) {
  const number = (text) => Number(text).toLocaleString("he-IL");
  const unit = offer.price_basis === "kilogram" ? "ק״ג" : "יחידות";
  return [
    offer.needs_club && "לחברי מועדון",
    offer.needs_coupon && "בקופון",
    offer.is_compensation && "פיצוי אישי",
    offer.min_total_quantity > 1 && `החל מ־${number(offer.min_total_quantity)} ${unit}`,
    Number(offer.max_quantity) > 0 && Number(offer.max_quantity) >= Number(offer.min_total_quantity) && `עד ${number(offer.max_quantity)} ${unit}`,
    Number(offer.redemption_limit) > 0 && `עד ${number(offer.redemption_limit)} מימושים`,
    Number(offer.min_purchase_amount) > 0 && `בקנייה של ${money.format(offer.min_purchase_amount)} ומעלה`,
    Number(offer.min_basket_amount) > 0 && `בסל של ${money.format(offer.min_basket_amount)} ומעלה`,
    offer.days && "בימים מסוימים",
    offer.ends_at && `עד ${day.format(new Date(offer.ends_at))}`,
  ].filter(Boolean);
}

function showOffers(rows) {
  $("promotions").replaceChildren(...rows.map((offer) => element("li", {},
    element("strong", { textContent: offer.effective_unit_price ? money.format(offer.effective_unit_price) : "—" }),
    ` ${offer.description || ""}`,
    element("div", { className: "quiet", textContent:
      [offer.chain_name, offer.store_name, ...conditions(offer)].filter(Boolean).join(" · ") }))));
  if (!rows.length) $("promotions").append(element("li", { className: "quiet", textContent: "אין מבצעים כרגע" }));
}

async function showHistory() {
  const mine = shown;
  const stores = mine.rows.slice(0, STORES_OF_CHART);
  $("chart").replaceChildren();
  $("legend").replaceChildren();
  if (!stores.length) return;
  const query = { store_key: stores.map((row) => row.store_key), limit: 200 };
  const { rows } = await ask(`products/${mine.gtin}/history`, query);
  if (shown !== mine) return;
  $("chart").append(chart(rows, stores));
  $("legend").append(...stores.map((row, number) => element("li", {},
    element("i", { className: `series-${number}` }), `${row.chain_name || ""} ${row.store_name || row.store_id}`)));
}

// Steps from the right edge of the past to now; time runs from left to right, as in every chart.
function chart(periods, stores) {
  const [width, height, left, bottom] = [Math.max($("chart").clientWidth, 280), 240, 56, 28];
  const from = Math.min(...periods.map((row) => Date.parse(row.valid_from)));
  const until = Math.max(Date.now(), from + 1);
  const prices = periods.map((row) => Number(row.price));
  const [low, high] = [Math.min(...prices), Math.max(...prices)];
  const room = Math.max((high - low) * 0.15, 0.2);
  const x = (time) => left + (width - left - 10) * (time - from) / (until - from);
  const y = (price) => 10 + (height - bottom - 20) * (high + room - price) / (high - low + 2 * room);
  const drawn = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", direction: "ltr",
    "aria-label": `המחיר נע בין ${money.format(low)} ל־${money.format(high)}` });
  for (const price of new Set([low, (low + high) / 2, high])) {
    drawn.append(shape("line", { class: "grid", x1: left, x2: width - 10, y1: y(price), y2: y(price) }),
      shape("text", { x: 4, y: y(price) + 4 }, `₪${price.toFixed(2)}`));
  }
  for (const [share, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) {
    const time = from + share * (until - from);
    drawn.append(shape("text", { x: x(time), y: height - 8, "text-anchor": anchor }, day.format(time)));
  }
  stores.forEach((store, number) => {
    let path = "";
    let end = null;
    for (const row of periods.filter((period) => period.store_key === store.store_key)) {
      const [start, stop] = [row.valid_from, row.valid_to].map((text) => text ? Date.parse(text) : until);
      path += `${end === start ? "L" : "M"}${x(start)} ${y(Number(row.price))} H${x(stop)} `;
      end = stop;
    }
    drawn.append(shape("path", { class: `step series-${number}`, d: path, "stroke-dasharray": ["none", "8 4", "2 3", "12 3", "6 2 2 2"][number] }));
  });
  return drawn;
}

function showBasket() {
  $("basket").hidden = basket.size === 0;
  $("totals").hidden = true;
  $("items").replaceChildren(...[...basket.values()].map((item) => {
    const quantity = element("input", { type: "number", min: "0.001", max: "10000", step: "any", value: item.quantity });
    quantity.setAttribute("aria-label", `כמות: ${item.name}`);
    quantity.addEventListener("change", () => { item.quantity = Number(quantity.value) || 1; });
    const remove = element("button", { type: "button", className: "quiet-button", textContent: "הסרה" });
    remove.setAttribute("aria-label", `הסרה: ${item.name}`);
    remove.addEventListener("click", () => { basket.delete(item.gtin); showBasket(); });
    return element("li", {}, element("span", { textContent: item.name }), quantity, remove);
  }));
}

async function compareBasket() {
  const items = [...basket.values()].map(({ gtin, quantity }) => ({ gtin, quantity }));
  const asked = { items, with_club: $("club").checked, locality: locality() || null, limit: 20 };
  const { rows } = await ask("basket", {}, asked);
  $("totals").hidden = false;
  $("stores").replaceChildren(...rows.map((row) => element("tr", {}, ...[
    money.format(row.total), money.format(row.regular_total), row.chain_name || row.chain_id,
    row.store_name || row.store_id, place(row), String(row.missing),
  ].map((text) => element("td", { textContent: text })))));
  say(rows.length ? "" : "אף סניף לא מוכר את המוצרים האלה");
}

$("search-form").addEventListener("submit", (event) => { event.preventDefault(); attempt(search); });
$("words").addEventListener("input", () => {
  clearTimeout(search.timer);
  search.timer = setTimeout(() => attempt(search), 300);
});
$("locality").addEventListener("change", () => { if (shown) attempt(() => show(shown)); });
$("more").addEventListener("click", () => attempt(morePrices));
$("compare").addEventListener("click", () => attempt(compareBasket));
$("add").addEventListener("click", () => {
  const known = basket.get(shown.gtin);
  basket.set(shown.gtin, { gtin: shown.gtin, name: shown.name, quantity: known ? known.quantity + 1 : 1 });
  showBasket();
});
$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", $("key").value);
  $("key-form").hidden = true;
  attempt(start);
});

async function start() {
  const { rows } = await ask("localities");
  country = rows.filter((row) => row.latitude)
    .map((row) => ({ ...row, latitude: Number(row.latitude), longitude: Number(row.longitude) }));
  if (shown) showMap();
  $("localities").replaceChildren(...rows.map((row) => element("option", { value: row.name })));
}
attempt(start);
