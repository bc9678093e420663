import java.lang.reflect.Method;
import java.util.Properties;

/**
 * Opens JMX in a server as Java itself does by {@code com.sun.management.jmxremote.port}, and nothing else: for that
 * property Java also opens a port for its own tools, on all addresses. An agent of Java; its argument is the port.
 */
public final class ShowMetrics {
    private ShowMetrics() {}

    public static void premain(String port) throws Exception {
        Properties options = new Properties();
        options.putAll(System.getProperties());
        Method start = Class.forName("sun.management.jmxremote.ConnectorBootstrap")
                .getMethod("startRemoteConnectorServer", String.class, Properties.class);
        start.invoke(null, port, options);
    }
}
