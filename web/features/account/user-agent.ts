/** A device's short name, "Chrome · macOS", from the User-Agent it sent; null where nothing is recognised. */
export function deviceName(userAgent: string): string | null {
  const parts = [firstMatch(browsers, userAgent), firstMatch(systems, userAgent)].filter(Boolean);
  return parts.length ? parts.join(" · ") : null;
}

/** In order: most browsers claim to be the later ones, too. */
const browsers: [RegExp, string][] = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/Whale\//, "Whale"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/OPR\//, "Opera"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];

const systems: [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux|X11/, "Linux"],
];

function firstMatch(names: [RegExp, string][], userAgent: string): string | undefined {
  return names.find(([pattern]) => pattern.test(userAgent))?.[1];
}
