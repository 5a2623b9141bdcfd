/// How much of something each process may have (setrlimit(2)), as Docker's `--ulimit` sets it.
public struct ResourceLimit: Hashable, Sendable {
    /// What is limited.
    public var resource: Resource
    /// What counts; in the resource's own unit (bytes, seconds, a number). Nil: no limit.
    public var soft: UInt64?
    /// Up to where a process may raise it; not below `soft`. Nil: no limit.
    public var hard: UInt64?

    /// One limit, soft and hard.
    public init(_ resource: Resource, soft: UInt64?, hard: UInt64?) {
        self.resource = resource
        self.soft = soft
        self.hard = hard
    }

    /// What can be limited, by Docker's names (docker/go-units, ulimit.go). `core` is not among them: where the host's core_pattern is a
    /// pipe, a core dump starts a program of the host.
    public enum Resource: String, CaseIterable, Hashable, Sendable {
        case cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack

        /// RLIMIT_* in asm-generic/resource.h.
        public var number: Int32 {
            switch self {
            case .cpu: 0
            case .fsize: 1
            case .data: 2
            case .stack: 3
            case .rss: 5
            case .nproc: 6
            case .nofile: 7
            case .memlock: 8
            case .locks: 10
            case .sigpending: 11
            case .msgqueue: 12
            case .nice: 13
            case .rtprio: 14
            case .rttime: 15
            }
        }
    }

    /// What a process has where nothing is said; the limits of the harness itself are not handed on. Open files as systemd gives them to a service
    /// (man systemd-system.conf, DefaultLimitNOFILE=), and so to the engines since their units say nothing about it (moby 25, containerd 2).
    public static let defaults: [ResourceLimit] =
        [
            ResourceLimit(.nofile, soft: 1024, hard: 524_288), ResourceLimit(.stack, soft: 8 << 20, hard: nil),
        ] + [.cpu, .data, .fsize, .locks, .nproc, .rss, .rttime].map { ResourceLimit($0, soft: nil, hard: nil) }

    /// Reads `N`, `SOFT:HARD`, each a number, or -1 or `unlimited`; nil where it is none of these, or the soft one is above the hard one.
    public init?(_ resource: Resource, _ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(ResourceLimit.value)
        guard (1...2).contains(parts.count), let soft = parts[0], let hard = parts[parts.count - 1],
            soft ?? .max <= hard ?? .max
        else { return nil }
        self.init(resource, soft: soft, hard: hard)
    }

    /// A number; a nil inside: no limit.
    private static func value(_ text: some StringProtocol) -> UInt64?? {
        if text == "-1" || text == "unlimited" { return .some(nil) }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt64(text), number < 1 << 62 else {
            return .none
        }
        return .some(number)
    }

    /// What reads it back, without the resource.
    public var text: String {
        func word(_ value: UInt64?) -> String { value.map(String.init) ?? "unlimited" }
        return soft == hard ? word(soft) : "\(word(soft)):\(word(hard))"
    }
}
