/** The error numbers that GRUB's commands leave in `$?` (include/grub/err.h). */

export const OK = 0;
export const TEST_FAILURE = 1;
export const FILE_NOT_FOUND = 5;
export const FILE_READ_ERROR = 6;
export const UNKNOWN_DEVICE = 12;
export const BAD_DEVICE = 13;
export const INVALID_COMMAND = 17;
export const BAD_ARGUMENT = 18;
export const NO_KERNEL = 22;
export const NOT_IMPLEMENTED = 24;
