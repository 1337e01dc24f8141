/** Baton's own version; a test holds it to package.json's. Imports nothing. */
export const VERSION = "0.1.0";
