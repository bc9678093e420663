import java.util.HashMap;
import java.util.Map;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/**
 * Prints an attribute, as a collector of JMX reads it: {@code PORT BEAN ATTRIBUTE [USER PASSWORD]}. The attribute
 * {@code invoke:NAME} calls an operation without arguments instead.
 */
public class ReadJmx {
    public static void main(String[] arguments) throws Exception {
        String url = "service:jmx:rmi:///jndi/rmi://127.0.0.1:" + arguments[0] + "/jmxrmi";
        Map<String, Object> login = new HashMap<>();
        if (arguments.length > 3) {
            login.put(JMXConnector.CREDENTIALS, new String[] {arguments[3], arguments[4]});
        }
        try (JMXConnector connector = JMXConnectorFactory.connect(new JMXServiceURL(url), login)) {
            MBeanServerConnection beans = connector.getMBeanServerConnection();
            ObjectName bean = new ObjectName(arguments[1]);
            String[] what = arguments[2].split(":");
            System.out.println(
                    what.length > 1 ? beans.invoke(bean, what[1], null, null) : beans.getAttribute(bean, what[0]));
        }
    }
}
