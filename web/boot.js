// Starts the page, or says why it can't. It is a file of its own because the Content-Security-Policy forbids inline scripts.
const { js, wasm } = document.getElementById("boot").dataset;

// Puts a message in both languages where the page would be.
function say(en, ko) {
  const note = document.getElementById("boot-note") ?? document.getElementById("app");
  const paragraphs = [["en", en], ["ko", ko]].map(([lang, text]) => {
    const paragraph = document.createElement("p");
    paragraph.lang = lang;
    paragraph.textContent = text;
    return paragraph;
  });
  note.setAttribute("role", "alert");
  note.querySelectorAll("p").forEach((old) => old.remove());
  note.append(...paragraphs);
}

if (typeof WebAssembly !== "object") {
  say(
    "This browser has no WebAssembly, or it is turned off. The cluster runs in it: try a current Firefox, Chrome, Edge or Safari.",
    "이 브라우저에는 WebAssembly가 없거나 꺼져 있습니다. 클러스터가 그 안에서 돌아가니 최신 Firefox, Chrome, Edge, Safari에서 열어 보세요.",
  );
} else {
  try {
    const { default: init } = await import(js);
    await init({ module_or_path: wasm });
  } catch (error) {
    say(`The page could not be loaded: ${error}. Try to load it again.`, `페이지를 불러오지 못했습니다: ${error}. 다시 불러와 보세요.`);
    throw error;
  }
}
