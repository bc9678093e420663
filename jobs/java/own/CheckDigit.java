package own;

import logsieve.OwnRule;

/**
 * The check digit of a number by GS1: of EAN-8 and EAN-13, UPC, GTIN-14, GLN and SSCC.
 *
 * From the right, digits count three times and once in turn; the last digit makes the sum a multiple of ten
 * (GS1 General Specifications, section 7.9).
 */
public final class CheckDigit implements OwnRule {
    @Override
    public boolean isBroken(Object[] values) {
        String digits = (String) values[0];
        if (digits == null) {
            return false;
        }
        int sum = 0;
        for (int at = 0; at < digits.length(); at++) {
            int digit = Character.digit(digits.charAt(at), 10);
            sum += (digits.length() - at) % 2 == 0 ? 3 * digit : digit;
        }
        return sum % 10 != 0;
    }
}
