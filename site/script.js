"use strict"
const make = (tag, properties, ...content) => {
const element = Object.assign(document.createElement(tag), properties)
element.append(...content)
return element
}
const select = (name, ...options) => make("select", { name }, ...options.map(
([value, label]) => make("option", { value }, label)))
const all = (selector, within = document) => [...within.querySelectorAll(selector)]
const unique = values => [...new Set(values)]
const SIZES = {
GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10, B: 1, s: 1, ms: 1e-3, µs: 1e-6, ns: 1e-9,
}
const digits = value => {
if (Math.abs(value) >= 1000) return value.toLocaleString("en")
const [factor, power] = value.toPrecision(3).split("e")
return power ? `${factor} × 10${power.replace(/./g, sign => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] || "⁻")}` : factor
}
const write = (value, scale, along) => {
const last = { bytes: "B", seconds: "s" }[scale]
const unit = last && Object.keys(SIZES).find(name => name.endsWith(last) && value >= SIZES[name])
const shown = unit ? value / SIZES[unit] : value
const number = along && Number.isInteger(shown) ? shown.toLocaleString("en") : digits(shown)
return unit ? `${number} ${unit}` : number
}
const read = figure => {
const { x, y, rows, s } = JSON.parse(figure.dataset.values)
const [quantity, scale] = y || x
const points = []
let at
for (const [id, name, places, values, low, high, lower] of s) {
at = places || at
values.forEach((value, k) => points.push({
id, name, value, at: at[k],
where: rows ? rows[at[k]] : `${x[0]}: ${write(at[k], x[1], true)}`,
text: write(value, scale),
ends: low[k] == null ? "" : ` (${write(low[k], scale)} to ${write(high[k], scale)})`,
place: rows ? [value, at[k] + lower] : [at[k], value],
}))
}
const names = unique(points.map(point => point.name))
const panel = figure.closest(".finding")
const section = !rows && panel && panel.parentNode
return { figure, panel, section, x: x[0], quantity, points, names, series: `${names}` }
}
const pixels = (svg, place) => place.map((value, k) => {
const [kind, start, end, low, high] = svg.dataset.axes.split(",").slice(5 * k)
const scale = kind === "log" ? Math.log : Number
const share = (scale(value) - scale(low)) / (scale(high) - scale(low))
return Math.abs(share - 0.5) < 0.51 ? +start + share * (end - start) : NaN
})
const ratio = (point, base, quantity) => {
const factor = point.value / base.value
const how = /FLOPS|\/s$|per second/.test(quantity) ? "times as fast as" : "times as much as"
return factor >= 1 ? `${digits(factor)} ${how} ${base.name}`
: `${base.name} is ${digits(1 / factor)} ${how} this`
}
const nearest = (points, distance) => points.sort((a, b) => distance(a) - distance(b))[0]
const STEPS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }
const REACH = 60 // pixels
const listen = (box, { points, names, quantity }, state) => {
const svg = box.querySelector("svg")
svg.insertAdjacentHTML("beforeend", `<circle class="ring" r="7"/>`)
const tip = box.appendChild(make("p", { className: "tip", role: "status" }))
const placed = points.map(point => ({ ...point, pixel: pixels(svg, point.place) }))
.filter(point => point.pixel.every(Number.isFinite))
const shown = () => placed.filter(point => !state.off.has(point.name))
let current
const clear = () => {
box.classList.remove("reading")
tip.replaceChildren()
}
const show = point => {
if (!point) return clear()
current = point
const { name, at, pixel: [x, y] } = point
const base = points.find(other => other.name === state.base && other.at === at)
const lines = [point.where, `${quantity}: ${point.text}${point.ends}`]
if (state.base && name !== state.base) {
lines.unshift(base ? ratio(point, base, quantity) : `${state.base} has no value here`)
}
tip.replaceChildren(make("strong", {}, name), ...lines.map(line => make("span", {}, line)))
const { width, height } = svg.viewBox.baseVal
tip.classList.toggle("left", x > width / 2)
tip.style.left = `${100 * x / width}%`
tip.style.top = `${100 * y / height}%`
svg.lastChild.setAttribute("transform", `translate(${x} ${y})`)
box.classList.add("reading")
}
const point = event => {
const matrix = svg.getScreenCTM().inverse()
const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix)
const far = ({ pixel }) => Math.hypot(pixel[0] - x, pixel[1] - y)
show(nearest(shown().filter(each => far(each) < REACH), far))
}
const move = event => {
if (event.key === "Escape") return clear()
const left = shown().sort((a, b) => a.at - b.at)
if (!STEPS[event.key]) return
const [along, across] = STEPS[event.key]
event.preventDefault()
if (!left.includes(current)) return show(left[0])
const series = names.filter(name => left.some(each => each.name === name))
const name = series[series.indexOf(current.name) + across]
const mine = left.filter(each => each.name === name)
const off = each => each.at !== current.at && Math.abs(each.pixel[0] - current.pixel[0])
show((along ? mine[mine.indexOf(current) + along] : nearest(mine, off)) || current)
}
box.tabIndex = 0
box.role = "application"
box.ariaLabel = "Values by arrow keys"
box.onpointermove = box.onpointerdown = point
box.onpointerleave = event => event.pointerType === "mouse" && clear()
box.onkeydown = move
box.onfocus = () => box.matches(":focus-visible") && show(current || shown()[0])
box.onblur = clear
return { svg, again: () => tip.hasChildNodes() && show(shown().find(each => each === current)) }
}
const explore = group => {
const state = { off: new Set(), base: "" }
const { names, points } = group[0]
const drawings = group.flatMap(
read => all(".wide, .narrow", read.figure).map(box => listen(box, read, state)))
const controls = make("div", { className: "controls", role: "group", ariaLabel: "Series" })
const refresh = () => drawings.forEach(({ again }) => again())
for (const name of names) {
const ids = unique(points.filter(point => point.name === name).map(({ id }) => `[data-s="${id}"]`))
const parts = drawings.flatMap(({ svg }) => all(ids, svg))
const toggle = make("button", { ariaPressed: true, onclick: () => {
const off = !state.off.delete(name)
if (off) state.off.add(name)
toggle.ariaPressed = !off
parts.forEach(part => part.classList.toggle("off", off))
refresh()
} }, name)
const hue = parts.map(part => part.querySelector("[stroke*=var]")).find(Boolean)
if (hue) toggle.style.borderColor = hue.getAttribute("stroke")
controls.append(toggle)
}
if (names.length > 1) {
const baseline = select("base", ["", "values"], ...names.map(name => [name, `relative to ${name}`]))
baseline.onchange = () => {
state.base = baseline.value
refresh()
}
controls.append(make("label", {}, "On hover, show: ", baseline))
group[0].figure.querySelector("figcaption").before(controls)
}
if (group.length > 1) choose(group, controls)
}
const choose = (group, controls) => {
const panels = group.map(({ panel }) => panel)
const tabs = group.map(({ x }, k) => make("button", { onclick: () => pick(k) }, x))
const pick = chosen => {
tabs.forEach((tab, k) => {
tab.ariaPressed = k === chosen
// A search and a link find it all the same.
panels[k].hidden = k !== chosen && "until-found"
})
group[chosen].figure.querySelector("figcaption").before(controls)
}
panels.forEach((panel, k) => panel.onbeforematch = () => pick(k))
panels[0].before(make("div", { className: "tabs", role: "group" }, "Horizontal axis: ", ...tabs))
pick(Math.max(0, panels.findIndex(panel => panel.querySelector(":target"))))
}
const groups = []
for (const one of all("figure[data-values]").map(read)) {
const group = one.section && groups.find(([other]) => ["section", "quantity", "series"].every(
what => one[what] === other[what]) && one.x !== other.x)
if (group) group.push(one)
else groups.push([one])
}
groups.forEach(explore)
const number = cell => {
const exact = cell.querySelector("data")
const [, plain, unit] = cell.textContent.replace(/,/g, "").replace("−", "-").match(/^[\s≥≤<>]*(-?\d+\.?\d*)\s*(\S*)/) || []
return exact ? +exact.value : plain ? plain * (SIZES[unit] || 1) : null
}
const sortable = table => {
const heads = table.tHead ? [...table.tHead.rows[0].cells] : []
const bodies = [...table.tBodies].map(body => [body, all("tr:not(.group)", body)])
const sort = (column, order) => {
const key = row => number(row.cells[column])
const text = row => row.cells[column].textContent.trim()
const rows = bodies.flatMap(([, rows]) => rows)
const numbers = rows.filter(row => key(row) !== null).length * 2 > rows.length
// Cells without a number stand last.
const compare = (one, other) => numbers
? (key(one) === null) - (key(other) === null) || order * (key(one) - key(other))
: order * text(one).localeCompare(text(other), "en", { numeric: true })
for (const [body, rows] of bodies) body.append(...order ? rows.toSorted(compare) : rows)
}
if (bodies.some(([, rows]) => rows.length > 2)) heads.forEach((head, column) => {
const onclick = () => {
const [next, order] = ORDERS[head.ariaSort]
heads.forEach(each => each.ariaSort = "none")
head.ariaSort = next
sort(column, order)
}
const press = make("button", { className: "sort", onclick })
head.ariaSort = "none"
if (head.querySelector("a")) press.ariaLabel = `Sort by ${head.textContent}`
else press.append(...head.childNodes)
head.append(press)
})
}
const ORDERS = { none: ["ascending", 1], ascending: ["descending", -1], descending: ["none", 0] }
all("main table").forEach(sortable)
const facts = row => row.dataset.facts.split("|").map(each => new URLSearchParams(each))
const filters = rows => {
const status = make("p", { role: "status" })
const form = make("form", { className: "filters", ariaLabel: "Show only" })
const every = rows.flatMap(facts)
for (const name of unique(every.flatMap(fact => [...fact.keys()]))) {
const values = unique(every.flatMap(fact => fact.getAll(name))).filter(Boolean)
const chosen = select(name, ["", "all"], ...values.map(value => [value, value]))
if (values.length > 1) form.append(make("label", {}, `${name} `, chosen))
}
// The address holds the choice: it can be linked.
const apply = () => {
const asked = new URLSearchParams(location.hash.slice(1))
for (const chosen of form) chosen.value = asked.get(chosen.name) || ""
const suits = fact => [...form].every(
({ name, value }) => !value || fact.getAll(name).includes(value))
for (const row of rows) row.hidden = !facts(row).some(suits)
const counts = unique(rows.map(row => row.closest("table"))).map(table => {
const mine = all("[data-facts]", table)
const left = mine.filter(row => !row.hidden)
for (const body of table.tBodies) body.hidden = !left.some(row => body.contains(row))
table.hidden = !left.length
return `${left.length || "none"} of ${mine.length}`
})
status.textContent = `Showing ${counts.join("; by framework ")}.`
}
form.onchange = () => {
const set = [...new FormData(form)].filter(([, value]) => value)
location.replace(`#${set.length ? new URLSearchParams(set) : "all"}`)
}
addEventListener("hashchange", apply)
rows[0].closest(".long, .scroll").before(form, status)
apply()
}
const filtered = all("tr[data-facts]")
if (filtered.length) filters(filtered)
const couple = list => {
const { baseline, name } = list.dataset
const others = all("[data-id]", list).map(one => [one.dataset.id, one.querySelector("a")])
const options = [[baseline, name], ...others.map(([id, a]) => [id, a.textContent])]
const names = Object.fromEntries(options)
const links = [
...others.map(([id, a]) => [baseline, id, a]),
...all("a[data-first]").map(a => [a.dataset.first, a.dataset.second, a]),
]
const sides = ["first", "second"].map((side, k) => {
const chosen = select(side, ...options)
chosen.selectedIndex = k
return chosen
})
const answer = make("span")
const apply = () => {
const [one, other] = sides.map(({ value }) => value)
const [, , link] = links.find(pair => pair.includes(one) && pair.includes(other)) || []
answer.replaceChildren(one === other ? "Choose two machines"
: link ? make("a", { href: link.href }, `Compare ${names[one]} with ${names[other]}`)
: make("code", {}, `report compare ${one} ${other}`))
}
for (const side of sides) side.onchange = apply
apply()
const labels = sides.map(side => make("label", {}, `${side.name} `, side))
list.before(make("p", { className: "filters" }, ...labels, answer))
}
all(".pairs").forEach(couple)
document.documentElement.classList.add("js")
