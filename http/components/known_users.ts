import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { shown } from "../../reactor/_describe.ts";

/**
 * Makes a check for {@linkcode BasicAuthentication} of a few names and their passwords.
 *
 * How long it takes tells nothing of the names and the passwords. It compares with each of them, so
 * it is not for many.
 *
 * @param users Passwords by name. They are compared in Unicode's normal form C.
 * @returns The check.
 * @throws {TypeError} If one is not text, or a name or a password cannot be sent: a name has no
 * colon, and neither has control characters.
 *
 * @example Two users
 * ```ts
 * import { knownUsers } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * const check = knownUsers({ Ada: "difference", Charles: "analytical" });
 * assertEquals(check("Ada", "difference"), true);
 * assertEquals(check("Ada", "analytical"), false);
 * ```
 *
 * @category Components
 */
export function knownUsers(
  users: Readonly<Record<string, string>>,
): (name: string, password: string) => boolean {
  const key = randomBytes(32);
  // Digests of the same size are compared, which nobody who lacks the key can choose.
  const digest = (name: string, password: string) =>
    createHmac("sha256", key).update(`${name}:${password}`.normalize("NFC")).digest();
  const known = Object.entries(users).map(([name, password]) => {
    if (
      typeof password !== "string" || name.includes(":") || /\p{Cc}/u.test(name + password)
    ) {
      throw new TypeError(
        `Cannot know the user ${shown(name)}: ` +
          "a name without colons has a password, both without control characters",
      );
    }
    return digest(name, password);
  });
  return (name, password) => {
    const given = digest(name, password);
    let isKnown = false;
    for (const one of known) if (timingSafeEqual(one, given)) isKnown = true;
    return isKnown;
  };
}
