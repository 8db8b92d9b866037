import { expect, it } from "vitest";
import { deviceName } from "@/features/account/devices-dialog";

it("names browser and system", () => {
  const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
  expect(deviceName(chrome)).toBe("Chrome · Linux");
  expect(deviceName("Mozilla/5.0 (Windows NT 10.0) … Chrome/140.0 Safari/537.36 Edg/140.0")).toBe("Edge · Windows");
  expect(deviceName("curl/8")).toBeNull();
  expect(deviceName("")).toBeNull();
});
