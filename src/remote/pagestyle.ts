/** The page's style: dark and light as the reader has it, one column on a phone. */

export const PAGE_STYLE = `
:root{color-scheme:light dark;--back:#fff;--text:#16191d;--soft:#565d66;--line:#c9ced6;--accent:#0b57c2;--on:#fff;--bad:#a8201a}
@media (prefers-color-scheme:dark){:root{--back:#14171b;--text:#e8eaed;--soft:#a3abb5;--line:#3b424b;--accent:#8ab4f8;--on:#10151c;--bad:#ff9d94}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1rem;background:var(--back);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;margin:0}h2{font-size:1.1rem;margin:0 0 .5rem}
header p,dt,#login p{color:var(--soft);margin:0 0 .5rem}
section{margin:1.25rem 0}
ul{list-style:none;margin:0;padding:0}
#list{border:1px solid var(--line);border-radius:.4rem;max-height:60vh;overflow:auto}
#list li{padding:.55rem .75rem;border-bottom:1px solid var(--line);cursor:pointer;overflow-wrap:anywhere}
#list li:last-child{border-bottom:0}
#list li[aria-selected=true]{background:var(--accent);color:var(--on)}
li,dd,small,#count,#work,#say{unicode-bidi:isolate}
#list small{display:block;opacity:.85}
#list li.not{font-style:italic}
dl{margin:0;display:grid;grid-template-columns:7rem 1fr;gap:.15rem .75rem}dd{margin:0;overflow-wrap:anywhere}
label{display:block;margin:.5rem 0 .2rem}
input,textarea{width:100%;padding:.5rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--soft);border-radius:.4rem}
textarea,pre{font-family:ui-monospace,monospace;font-size:.9rem}
button{min-height:2.75rem;margin:.6rem .5rem 0 0;padding:.4rem 1rem;font:inherit;color:var(--text);background:transparent;border:1px solid var(--soft);border-radius:.4rem;cursor:pointer}
#boot,#login button{background:var(--accent);border-color:var(--accent);color:var(--on)}
button:disabled{opacity:.55;cursor:default}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
#say{color:var(--bad);font-weight:600;overflow-wrap:anywhere;margin:.5rem 0}#say:empty,#count:empty,#work:empty{display:none}
progress{width:100%}
pre{max-height:40vh;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--line);border-radius:.4rem;padding:.5rem}
details{margin:.6rem 0}summary{cursor:pointer;padding:.3rem 0}
#devices li{padding:.3rem 0;overflow-wrap:anywhere}
[hidden]{display:none!important}
@media (min-width:56rem){#menu{display:grid;grid-template-columns:1fr 1fr;column-gap:2rem}#count,#work,#bar,#menu>section:last-child{grid-column:1/-1}}
`;
