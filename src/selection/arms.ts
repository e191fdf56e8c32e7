/** Arms: which layers are tuned and where the classifier sits. */

/** 1 ≤ bottom ≤ top ≤ head ≤ L; bottom and top are null where nothing but the classifier is trained. */
export interface Triple {
  bottom: number | null;
  top: number | null;
  head: number;
}
