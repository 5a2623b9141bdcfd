/// Where fake services and harness meet, inside a container.
public enum ServiceAddress {
    /// A directory of the container that the harness provides.
    public static let directory = "/.harness"
    /// The multi-call executable of all fakes.
    public static let program = "/.harness/fake-services"
    /// A SOCK_SEQPACKET socket: one report per message.
    public static let socket = "/.harness/services"
    /// An environment variable with the number of a descriptor: whoever is started with it writes a line there when it
    /// is ready, and closes it. How the reference init learns of readiness.
    public static let readyDescriptorVariable = "READY_FD"
}
