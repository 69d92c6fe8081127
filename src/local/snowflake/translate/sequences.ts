/** The column that SEQ4() and its like read in a query on GENERATOR. */
export const SEQUENCE_COLUMN = "_SEQUENCE";
