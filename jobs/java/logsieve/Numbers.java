package logsieve;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;

/**
 * The text of a number that may have a fraction: the fewest digits that are read as the same number, and of these the
 * nearest. Python and MySQL write the same digits; include/proof/forms.py has the same layout for both.
 */
final class Numbers {
    /** As many digits mean one number only, so no other text of so few is read as it. */
    private static final int SURE = 15;

    private static final double LEAST_PLAIN = 1e-3;
    private static final double MOST_PLAIN = 1e15;

    private Numbers() {}

    /** Plainly from 0.001 up to 10^15, as in "684.5", else with one digit before the point and an exponent: "1.5e-7". */
    static String text(double number) {
        if (number == 0) {
            return "0"; // also -0.0
        }
        BigDecimal shortest = shortest(number);
        double size = Math.abs(number);
        if (size >= LEAST_PLAIN && size < MOST_PLAIN) {
            return shortest.toPlainString();
        }
        String digits = shortest.unscaledValue().abs().toString();
        int exponent = digits.length() - shortest.scale() - 1;
        String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
        return (number < 0 ? "-" : "") + digits.charAt(0) + fraction + "e" + exponent;
    }

    private static BigDecimal shortest(double number) {
        // Before Java 19 it may have more digits than are needed.
        BigDecimal found = new BigDecimal(Double.toString(number)).stripTrailingZeros();
        if (found.precision() <= SURE && Math.abs(number) >= Double.MIN_NORMAL) {
            return found;
        }
        BigDecimal exact = new BigDecimal(number);
        BigDecimal shorter = found;
        for (int digits = found.precision(); shorter != null && digits > 0; digits--) {
            found = shorter;
            shorter = nearest(exact, digits, number);
        }
        return (shorter == null ? found : shorter).stripTrailingZeros();
    }

    /** The nearest decimal of so many digits that is read as the number, of two the even one; null if there is none. */
    private static BigDecimal nearest(BigDecimal exact, int digits, double number) {
        // Beside a power of two, the nearest may be read as the number before it, and the other one as the number.
        for (RoundingMode mode : List.of(RoundingMode.HALF_EVEN, RoundingMode.UP, RoundingMode.DOWN)) {
            BigDecimal found = exact.round(new MathContext(digits, mode));
            if (found.doubleValue() == number) {
                return found;
            }
        }
        return null;
    }
}
