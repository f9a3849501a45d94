/** What stands where a cost would stand of what has no price. */
export const NO_PRICE = <span title="no price">–</span>;
