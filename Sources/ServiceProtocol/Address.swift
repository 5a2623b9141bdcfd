/// Where fake services and harness meet, inside a container.
public enum ServiceAddress {
    /// A directory of the container that the harness provides.
    public static let directory = "/.harness"
    /// The multi-call executable of all fakes.
    public static let program = "/.harness/fake-services"
    /// A SOCK_SEQPACKET socket: one report per message.
    public static let socket = "/.harness/services"
    /// Where the command line of a service is written down, an argument on each line, for inits that learn of their services
    /// from files: `fake-services as NAME` reads it.
    public static func commandFile(of service: String) -> String { "/etc/fake-services/\(service)" }
    /// Where a service says that it is ready, as systemd wants it (sd_notify(3)).
    public static let notifySocketVariable = "NOTIFY_SOCKET"
    /// The deliberate fault of whatever fake takes notice of it.
    public static let defectVariable = "FAKE_DEFECT"
    /// An environment variable with the number of a descriptor: what is started with it writes a line there when it
    /// is ready, and closes it. How the reference init learns of readiness.
    public static let readyDescriptorVariable = "READY_FD"
}
