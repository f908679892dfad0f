// The report's looks: the page's own measures (four sizes of type, two weights, neutral surfaces); hues belong to the transports.

export const style = `:root{color-scheme:light dark;
--ground:light-dark(#f5f5f3,#0f1113);--surface:light-dark(#fff,#16191c);--raised:light-dark(#ecece9,#20252a);
--line:light-dark(#dcdcd8,#2b3137);--line-strong:light-dark(#85898e,#6d747b);
--ink:light-dark(#1b1d1f,#e7e9eb);--soft:light-dark(#56595e,#a1a8af);
--bad:light-dark(#b42f26,#ff8078);--busy:light-dark(#8a5c00,#e0a83c);--good:light-dark(#1a7f4b,#3fbf7f)}
:root[data-theme=light]{color-scheme:light}:root[data-theme=dark]{color-scheme:dark}
*{box-sizing:border-box}
html{background:var(--ground);color:var(--ink);font:400 14px/1.45 system-ui,sans-serif;font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
body{margin:0}main,header,footer{max-width:1232px;margin:0 auto;padding:0 24px}
h1,h2,h3,p,ul,ol,figure,fieldset,dl,dd{margin:0;padding:0;border:0;min-width:0}
h1{font-size:20px;font-weight:600}h2{font-size:16px;font-weight:600;margin:40px 0 12px}h3{font-size:14px;font-weight:600}
b,th,dt,legend{font-weight:600}ul{list-style:none}
p,li,dd{max-width:92ch}code{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:12px;overflow-wrap:anywhere}
:focus-visible{outline:2px solid var(--ink);outline-offset:2px}
header{padding-top:24px}.top{display:flex;gap:16px;justify-content:space-between;align-items:flex-start;flex-wrap:wrap}
#theme{display:flex;gap:12px;font-size:12px;color:var(--soft)}#theme[hidden]{display:none}#theme legend{float:left;margin-right:12px}#theme label{white-space:nowrap}
input{accent-color:var(--ink);font:inherit;color:inherit}
.host{color:var(--soft);margin-top:4px}.stamp{display:inline-block;margin:12px 0 0;padding:4px 12px;border:2px solid currentColor;border-radius:4px;font-size:16px;font-weight:600}
.stamp-good{color:var(--good)}.stamp-bad{color:var(--bad)}.stamp-busy{color:var(--busy)}
.verdict{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:16px 24px}.verdict li{padding-top:8px;border-top:1px solid var(--line-strong)}.verdict p{margin-top:4px}.verdict b{display:block}
.note{color:var(--soft);margin-top:8px}.problem{color:var(--bad)}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:12px;background:var(--surface)}
caption{text-align:left;color:var(--soft);padding:4px 0}
th,td{padding:3px 8px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
th:first-child,td.left,th.left{text-align:left}thead th{color:var(--soft);vertical-align:bottom}tbody th{font-weight:400}
td.flagged{color:var(--bad);font-weight:600}
section>h3{margin-top:24px;margin-bottom:4px}.notes{margin-top:6px;font-size:12px;color:var(--soft)}.notes li{max-width:none;margin-top:2px}
.figures{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:24px}
figure{background:var(--surface);border:1px solid var(--line);border-radius:4px;padding:16px;break-inside:avoid}
figure.full{grid-column:1/-1}figcaption p{max-width:130ch;font-size:12px;color:var(--soft);margin-top:4px}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:16px;margin-top:12px}
figure svg{display:block;width:100%;height:auto;max-width:720px;overflow:visible}.legend svg{width:16px}
.narrow{display:none}
.missing{margin-top:12px;padding:12px;background:var(--raised);border-radius:4px;max-width:none}
.readout{font-size:12px;min-height:18px;margin-top:4px}
details{margin-top:8px;font-size:12px}summary{cursor:pointer;color:var(--soft)}details .scroll{margin-top:8px}
svg text{font-size:12px;fill:var(--soft)}svg text.ink{fill:var(--ink)}
path.ink{--hue:var(--ink)}.grid{stroke:var(--line);fill:none}.axis{stroke:var(--line-strong);fill:none}
.measured{stroke:var(--hue);fill:none;stroke-width:1.75}.theory{stroke:var(--hue);fill:none;stroke-width:1.25;stroke-linecap:round}
.leader{stroke:var(--hue);fill:none;stroke-width:.75}.rule{stroke:var(--soft);stroke-dasharray:4 3;fill:none}
.dot{fill:var(--hue);fill-rule:evenodd;stroke:var(--surface);stroke-width:.75}.speck{stroke:var(--hue);stroke-width:3;stroke-linecap:round;fill:none}.dot.hollow{stroke:none}
.dot.lit{stroke:var(--ink);stroke-width:2}
.cell{fill:var(--hue);shape-rendering:crispEdges;}.sign{fill:var(--surface);fill-rule:evenodd}
.point circle,.point path{fill:none;stroke:var(--ink);stroke-width:2}.point .halo{stroke:var(--surface);stroke-width:6}
#map svg[data-plot]{cursor:crosshair;touch-action:none}
.map-controls{display:flex;gap:8px 24px;flex-wrap:wrap;margin-top:12px;align-items:center;font-size:12px}
.map-controls fieldset{display:flex;gap:12px;flex-wrap:wrap}.map-controls legend{float:left;margin-right:12px}
.map-controls input[type=number]{width:96px;padding:3px 6px;background:var(--ground);border:1px solid var(--line-strong);border-radius:4px}
.legend{display:flex;gap:4px 16px;flex-wrap:wrap;font-size:12px;margin:12px 0 4px}.legend li{display:flex;gap:4px;align-items:center}
.none-sign{width:14px;height:12px;border:1px solid var(--line-strong)}
.hatch{stroke:var(--surface);stroke-width:2;fill:none}
.map-cpu,.map-wire{display:grid;grid-template-columns:minmax(0,1.25fr) minmax(0,1fr);gap:24px;align-items:start}
.map-wire{display:none}#map:has(#by-wire:checked) .map-wire{display:grid}#map:has(#by-wire:checked) .map-cpu{display:none}
.said{margin-top:8px;font-weight:600}.maps table{width:100%}.maps :is(td,th):nth-child(2){text-align:left}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:4px 16px;font-size:12px}dt{white-space:nowrap}dd{overflow-wrap:anywhere}
.method li{margin-top:6px}pre{font:12px/1.45 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere;margin:0}
footer{padding:32px 24px;color:var(--soft);font-size:12px}
@media (max-width:900px){.figures,.map-cpu,.map-wire,#map:has(#by-wire:checked) .map-wire{grid-template-columns:minmax(0,1fr)}}
@media (max-width:600px){.wide{display:none}.narrow{display:block}main,header,footer{padding-left:12px;padding-right:12px}figure{padding:12px}.figures{gap:12px}dl{grid-template-columns:minmax(0,1fr)}dd{margin-bottom:4px}}
@media (prefers-reduced-motion:no-preference){.dot{transition:stroke-width .1s}}
@page{margin:12mm}
@media print{:root,:root[data-theme]{color-scheme:light}html{background:#fff;font-size:12px}main,header,footer{padding:0;max-width:none}#theme,.map-controls,.readout,summary{display:none}
.figures{display:block}figure{margin-bottom:16px;border:1px solid var(--line)}.wide{display:none}.narrow{display:block}figure{padding:8px}.map-cpu,.map-wire{grid-template-columns:minmax(0,1fr) minmax(0,1fr)}
.plots{grid-template-columns:repeat(2,minmax(0,1fr))}figure svg{max-width:340px}.plots,.map-cpu,.map-wire{gap:8px}
details::details-content{content-visibility:visible;display:block;height:auto;overflow:visible}.scroll{overflow:visible}table{font-size:9px}th,td{padding:2px 3px}th,td.left{white-space:normal}#map:has(#by-wire:checked) .map-cpu,.map-wire,#map:has(#by-wire:checked) .map-wire{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr)}.maps>div{margin-bottom:12px}thead{display:table-header-group}tr{break-inside:avoid}h2,h3{break-after:avoid}
figure,figcaption,.plot{break-inside:avoid}figure:has(details .scroll){break-inside:auto}*{print-color-adjust:exact}}`
