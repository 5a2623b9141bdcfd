import Model
import Vocabulary

/// What can be in a pattern besides words: each kind of value, under the name that patterns and the reference use.
enum Slot: String, CaseIterable, Sendable {
    case title = "TITLE"
    case text = "TEXT"
    case texts = "TEXTS"
    case regularExpression = "REGEX"
    case time = "TIME"
    case times = "TIMES"
    case grace = "GRACE"
    case signal = "SIGNAL"
    case caughtSignal = "CAUGHT"
    case caughtSignals = "CAUGHT-SIGNALS"
    case exitCode = "CODE"
    case number = "NUMBER"
    case count = "COUNT"
    case children = "CHILDREN"
    case newService = "NEW-NAME"
    case service = "SERVICE"
    case services = "SERVICES"
    case party = "PARTY"
    case parties = "PARTIES"
    case volume = "VOLUME"
    case tags = "TAGS"
    case name = "NAME"
    case names = "NAMES"
    case abilities = "ABILITIES"
    case capabilities = "CAPABILITIES"
    case runtime = "RUNTIME"
    case restartPolicy = "POLICY"
    case engine = "ENGINE"
    case cgroupAccess = "ACCESS"
    case tmpfsOptions = "TMPFS-OPTIONS"
    case resource = "RESOURCE"
    case resourceLimit = "LIMITS"
    case state = "STATE"
    case dataState = "CLEANNESS"
    case path = "PATH"
    case paths = "PATHS"
    case directory = "DIRECTORY"
    case image = "IMAGE"
    case owner = "OWNER"
    case mode = "MODE"
    case size = "SIZE"
    case hostname = "HOSTNAME"
    case assignment = "ASSIGNMENT"
    case word = "WORD"
    case command = "COMMAND"
    case condition = "CONDITION"
    case question = "QUESTION"
}

extension Slot {
    /// What a message calls it.
    var phrase: String {
        switch self {
        case .title: "the scenario's title in quotes"
        case .text: "a text in quotes"
        case .texts: "a text in quotes"
        case .regularExpression: "a regular expression between slashes"
        case .time: "a duration, such as 250ms or 10s"
        case .times: "a duration, such as 250ms or 10s"
        case .grace: "a duration, such as 250ms or 10s"
        case .signal: "a signal"
        case .caughtSignal, .caughtSignals: "a signal that can be caught"
        case .exitCode: "a number from 0 to 255"
        case .number: "a number from 0 to 100000"
        case .count: "a number from 1 to 10000"
        case .children: "a number from 1 to 200"
        case .newService: "a service's name: letters, digits, '-' and '_'"
        case .service, .services: "a service"
        case .party, .parties: "a service, 'init' or 'runtime'"
        case .volume: "a volume's name: letters, digits, '.', '-' and '_', the first a letter or digit"
        case .tags: "a tag"
        case .name, .names: "a name"
        case .abilities: "an ability of an init"
        case .capabilities: "a capability"
        case .runtime: "a runtime"
        case .engine: "what a kubelet runs containers with: containerd, cri-o, or one with its version, as cri-o:1.22.0"
        case .restartPolicy: "a restart policy: no, always, unless-stopped, on-failure or on-failure:N"
        case .cgroupAccess: "'rw', 'ro', 'host-rw', 'host-ro' or 'none'"
        case .tmpfsOptions: "options of a tmpfs: exec, ro, size=N, mode=N, uid=N, gid=N, with commas between"
        case .resource: "a resource"
        case .resourceLimit: "a limit: N, SOFT:HARD with the soft one not above the hard one, or 'unlimited'"
        case .state: "a state of a container"
        case .dataState: "'clean' or 'dirty'"
        case .path, .paths: "an absolute path without '..'"
        case .directory: "a directory"
        case .image: "an image: a path, docker:NAME or podman:NAME"
        case .owner: "an owner: the numbers of a user and a group, such as 568:568"
        case .mode: "permissions in octal, such as 644 or 1777"
        case .size: "a size, such as 64MiB or 512k"
        case .hostname: "a host name of 64 bytes at most"
        case .assignment: "of the form NAME=value"
        case .word: "a word"
        case .command: "a command line"
        case .condition, .question: "a condition"
        }
    }

    /// What a message says is missing where the line ends.
    var missingPhrase: String {
        switch self {
        case .newService: "a service's name"
        case .volume: "a volume's name"
        case .assignment: "NAME=value"
        default: phrase
        }
    }

    /// Its production in the reference's grammar.
    var production: String {
        switch self {
        case .title, .text: "quoted"
        case .texts: "quoted { \",\" quoted }"
        case .regularExpression: "\"/\" characters, a slash among them as \"\\/\" \"/\""
        case .time:
            "amount { amount }, largest unit first; amount = digits [ \".\" digits ] ( \"ns\" | \"us\" | \"ms\" | \"s\" | \"m\" | \"h\" )"
        case .times: "TIME { \",\" TIME }"
        case .grace: "[ \"-\" ] TIME; a negative one has no end"
        case .signal:
            "[ \"SIG\" ] name | number from 1 to 64 | [ \"SIG\" ] \"RTMIN\" [ \"+\" number ] | [ \"SIG\" ] \"RTMAX\" [ \"-\" number ]"
        case .caughtSignal: "SIGNAL, but neither SIGKILL nor SIGSTOP"
        case .caughtSignals: "CAUGHT { [ \",\" ] CAUGHT }"
        case .exitCode: "number from 0 to 255"
        case .number: "number from 0 to 100000"
        case .count: "number from 1 to 10000"
        case .children: "number from 1 to 200"
        case .newService:
            "letter, digit, \"-\" or \"_\" { the same }, but none of \(Party.reservedNames.joined(separator: ", "))"
        case .service: "a NEW-NAME that the scenario has"
        case .services: "SERVICE { \",\" SERVICE }"
        case .party: "SERVICE [ \".\" number of its child ] | \"init\" | \"runtime\""
        case .parties: "PARTY { \",\" PARTY }"
        case .volume: "letter or digit { letter | digit | \".\" | \"-\" | \"_\" }"
        case .tags: "NAME { \",\" NAME }"
        case .name: "word without commas | quoted"
        case .names: "NAME { \",\" NAME }"
        case .abilities: "ability { \",\" ability }; ability = " + Slot.alternatives(Ability.self)
        case .capabilities: "capability { \",\" capability }; capability = " + Slot.alternatives(Capability.self)
        case .runtime: Slot.alternatives(Runtime.self)
        case .engine: "( \"containerd\" | \"cri-o\" ) [ \":\" number { \".\" number } ]"
        case .restartPolicy: "\"no\" | \"always\" | \"unless-stopped\" | \"on-failure\" [ \":\" number ]"
        case .cgroupAccess: Slot.alternatives(ContainerSettings.CgroupAccess.self)
        case .tmpfsOptions:
            "option { \",\" option }; option = \"exec\" | \"ro\" | ( \"size\" | \"mode\" | \"uid\" | \"gid\" ) \"=\" number"
        case .resource: Slot.alternatives(ResourceLimit.Resource.self)
        case .resourceLimit: "limit [ \":\" limit ], the soft one first; limit = number | \"unlimited\" | \"-1\""
        case .state: Slot.alternatives(Condition.State.self)
        case .dataState: Slot.alternatives(Condition.DataState.self)
        case .path: "\"/\" characters, no \"..\" between slashes; several slashes are one, and \".\" is left out"
        case .paths: "PATH { [ \",\" ] PATH }"
        case .directory: "word; a relative one counts from the scenario's file"
        case .image: "word; a relative path counts from the scenario's file"
        case .owner: "number \":\" number"
        case .mode: "three or four octal digits"
        case .size:
            "number [ \"k\" | \"KiB\" | \"m\" | \"MiB\" | \"g\" | \"GiB\" | \"B\" ], or \"kb\", \"mb\", \"gb\", in either case; powers of 1024"
        case .hostname: "word of 1 to 64 bytes"
        case .assignment: "word with \"=\" in it"
        case .word: "characters without white space | quoted"
        case .command: "WORD { WORD }, to the end of the line"
        case .condition: "one of the conditions below"
        case .question: "[ \"no\" ] CONDITION"
        }
    }

    static func alternatives<Choice: CaseIterable & RawRepresentable<String>>(_: Choice.Type) -> String {
        Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " | ")
    }

    /// The words that can stand for it, where there are few.
    var choices: [String] {
        switch self {
        case .abilities: Ability.allCases.map(\.rawValue)
        case .capabilities: Capability.allCases.map(\.rawValue)
        case .runtime: Runtime.allCases.map(\.rawValue)
        case .engine: ContainerEngine.Name.allCases.map(\.rawValue)
        case .restartPolicy: ["no", "always", "unless-stopped", "on-failure"]
        case .cgroupAccess: ContainerSettings.CgroupAccess.allCases.map(\.rawValue)
        case .resource: ResourceLimit.Resource.allCases.map(\.rawValue)
        case .state: Condition.State.allCases.map(\.rawValue)
        case .dataState: Condition.DataState.allCases.map(\.rawValue)
        default: []
        }
    }
}

/// What a part of a pattern has been given.
enum Value: Sendable {
    /// An optional part that the line does not have.
    case absent
    /// An optional part that it has.
    case present
    /// Which of several alternatives, from 0.
    case alternative(Int)
    case number(Int)
    case duration(Duration)
    case durations([Duration])
    case signal(Signal)
    case signals([Signal])
    case text(String)
    case texts([String])
    case owner(Owner)
    case restartPolicy(RestartPolicy)
    case condition(Condition, isNegated: Bool)
}

/// What the parts of a pattern have been given, in the order in which they are in it.
struct Captures: Sendable {
    var values: [Value] = []

    subscript(_ index: Int) -> Value { values[index] }

    func isPresent(_ index: Int) -> Bool { if case .absent = values[index] { false } else { true } }

    func alternative(_ index: Int) -> Int? { if case .alternative(let value) = values[index] { value } else { nil } }

    func number(_ index: Int) -> Int? { if case .number(let value) = values[index] { value } else { nil } }

    func duration(_ index: Int) -> Duration? { if case .duration(let value) = values[index] { value } else { nil } }

    func durations(_ index: Int) -> [Duration] { if case .durations(let value) = values[index] { value } else { [] } }

    func signal(_ index: Int) -> Signal? { if case .signal(let value) = values[index] { value } else { nil } }

    func signals(_ index: Int) -> [Signal] { if case .signals(let value) = values[index] { value } else { [] } }

    func text(_ index: Int) -> String? { if case .text(let value) = values[index] { value } else { nil } }

    func texts(_ index: Int) -> [String] { if case .texts(let value) = values[index] { value } else { [] } }

    func parties(_ index: Int) -> [Party] { texts(index).map(Party.init(name:)) }

    func owner(_ index: Int) -> Owner? { if case .owner(let value) = values[index] { value } else { nil } }
}
