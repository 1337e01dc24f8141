/** How the image starts Node; V8 refuses a code cache that was made with other flags. */
export const NODE_FLAGS: readonly string[] = [];
