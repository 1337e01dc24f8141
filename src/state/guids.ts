/** Whose EFI variables are whose. Imports nothing. */

/** systemd's, for what boot loaders and the system tell each other. */
export const LOADER_GUID = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
/** UEFI's own variables: BootNext, OsIndications. */
export const GLOBAL_GUID = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
/** Baton's own. */
export const BATON_GUID = "5b1f9b8e-3c0a-4d6f-9b3e-ba7040b00700";
/** What firmware lets start, and what not: db, dbx (EFI_IMAGE_SECURITY_DATABASE_GUID). */
export const SECURITY_GUID = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
