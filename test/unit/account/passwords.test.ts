import { describe, expect, it } from "@jest/globals";
import { scryptPasswords } from "../../../services/account/account.passwords.ts";

describe("password hashes", () => {
  it("know their password and no other", async () => {
    const hash = await scryptPasswords.hash("correct horse");
    await expect(scryptPasswords.verify("correct horse", hash)).resolves.toBe(true);
    await expect(scryptPasswords.verify("Correct horse", hash)).resolves.toBe(false);
  });

  it("differ for the same password, and carry their parameters", async () => {
    const [one, two] = [await scryptPasswords.hash("same"), await scryptPasswords.hash("same")];
    expect(one).not.toBe(two);
    expect(one).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  });

  it("made with other parameters still count", async () => {
    // scrypt("secret", "0123456789abcdef", N=2, r=1, p=1, 32 bytes), computed with Python's hashlib.
    const older = "$scrypt$ln=1,r=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$yLgCn8X0eF3wKHj1gfZ5m1aX0lJSlrn5H6M+fs/Wsj8";
    await expect(scryptPasswords.verify("secret", older)).resolves.toBe(true);
    await expect(scryptPasswords.verify("Secret", older)).resolves.toBe(false);
  });

  it("take a password typed in another normal form of Unicode", async () => {
    const hash = await scryptPasswords.hash("caf\u00e9 au lait");
    await expect(scryptPasswords.verify("cafe\u0301 au lait", hash)).resolves.toBe(true);
  });

  it("that are not there know no password", async () => {
    await expect(scryptPasswords.verify("", null)).resolves.toBe(false);
  });
});
