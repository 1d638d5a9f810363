// The chosen crate with what is around it, in layers from dependents at the left to dependencies at the right.

/** So many are drawn in each direction: those with the largest cones among dependents, closures among dependencies. */
const mostNeighbours = 30;

function showNeighbourhood(node) {
  const canvas = document.querySelector("#neighbourhood .canvas");
  if (node === null) {
    canvas.replaceChildren(element("p", { class: "note" }, "Choose a crate to see what is around it."));
    byId("neighbours").textContent = "";
    return;
  }
  const steps = Number(byId("steps").value);
  const up = within(node, steps, (other) => other.dependents, "cone");
  const down = within(node, steps, (other) => other.links, "closure");
  const nodes = [node, ...up.nodes, ...down.nodes];
  const left = up.left + down.left;
  byId("neighbours").textContent =
    `${counted(up.nodes.length, "dependent")}, ${counted(down.nodes.length, "dependency", "dependencies")}` +
    (left > 0 ? `; ${left} more are not drawn` : "");
  canvas.replaceChildren(drawn(node, nodes));
  const own = canvas.querySelector("a[aria-current]");
  own.scrollIntoView({ block: "center", inline: "center" });
}

/** Nodes that are at most so many steps away, and how many are left out. */
function within(node, steps, next, order) {
  const found = new Set([node]);
  let edge = [node];
  for (let step = 0; step < steps; step += 1) {
    const nearest = new Set(edge.flatMap((at) => next(at).map((link) => link.node)));
    edge = ordered(
      [...nearest].filter((at) => !found.has(at)),
      order,
    );
    for (const at of edge) found.add(at);
  }
  found.delete(node);
  const nodes = [...found];
  return { nodes: nodes.slice(0, mostNeighbours), left: Math.max(0, nodes.length - mostNeighbours) };
}

function drawn(chosen, nodes) {
  const height = 22;
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 8, edgesep: 4, ranksep: 50, marginx: 4, marginy: 4 });
  const isDrawn = new Set(nodes);
  for (const node of nodes) graph.setNode(`${node.at}`, { width: textWidth(short(node.label)) + 16, height });
  const edges = nodes.flatMap((from) =>
    from.links.filter((link) => isDrawn.has(link.node)).map((link) => ({ from, to: link.node, kind: link.kind })),
  );
  for (const { from, to } of edges) graph.setEdge(`${from.at}`, `${to.at}`, {});
  dagre.layout(graph);

  const { width: all, height: high } = graph.graph();
  const drawing = svgElement("svg", { width: Math.ceil(all), height: Math.ceil(high), role: "group" });
  drawing.setAttribute("aria-label", `Neighbourhood of ${chosen.label}`);
  const head = { id: "arrow", viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" };
  drawing.append(svgElement("marker", head, svgElement("path", { d: "M0 0L8 4L0 8z" })));
  for (const { from, to, kind } of edges) {
    const [start, end] = [graph.node(`${from.at}`), graph.node(`${to.at}`)];
    const points = graph.edge(`${from.at}`, `${to.at}`).points.slice(1, -1);
    // Dagre lets an edge end where it meets the box, be it above; from one side to the other is easier to follow.
    points.unshift({ x: start.x + start.width / 2, y: start.y });
    points.push({ x: end.x - end.width / 2, y: end.y });
    drawing.append(svgElement("path", { class: kind, d: curve(points), "marker-end": "url(#arrow)" }));
  }
  for (const node of nodes) {
    const { x, y, width } = graph.node(`${node.at}`);
    const attributes = { class: classOf(node), href: hrefOf(node), "aria-current": node === chosen ? "true" : null };
    const rectangle = svgElement("rect", { x: x - width / 2, y: y - height / 2, width, height, rx: 4 });
    const text = svgElement("text", { x, y: y + 4, "text-anchor": "middle" }, short(node.label));
    drawing.append(svgElement("a", attributes, svgElement("title", {}, node.label), rectangle, text));
  }
  return drawing;
}

/** A label that has many features in it would make its layer wide. */
const short = (label) => (label.length > 40 ? `${label.slice(0, 39)}…` : label);

const measuring = document.createElement("canvas").getContext("2d");

/** How wide a text of a drawing is. */
function textWidth(text) {
  measuring.font = "11px ui-sans-serif, system-ui, sans-serif";
  return measuring.measureText(text).width;
}

/** A line over some points that is bent at each between the ends. */
function curve(points) {
  let path = `M${points[0].x} ${points[0].y}`;
  for (let at = 1; at < points.length - 1; at += 1) {
    const [here, next] = [points[at], points[at + 1]];
    path += `Q${here.x} ${here.y} ${(here.x + next.x) / 2} ${(here.y + next.y) / 2}`;
  }
  const last = points[points.length - 1];
  return `${path}L${last.x} ${last.y}`;
}
