"""Turns of phrase of people who look back, in English: verbose regular expressions, each with what it is to find."""

_WHEN = r"""(?: before | earlier | previously | already | yesterday | last\ (?:time|week|month|night) | the\ other\ day
    | (?:a\ while|days?|weeks?)\ ago | once )"""

_TOLD = r"(?: told | said | mentioned | asked | explained | shared | showed | gave | sent | described | wrote )"

_MADE = rf"""(?: {_TOLD} | recommended | suggested | made | drafted | helped | proposed | came\ up | generated
    | created | translated | listed | planned | built | summari[sz]ed | calculated | fixed | solved | promised
    | noted | saved )"""

_DID_TOGETHER = r"""(?: started | discussed | talked | spoke | decided | left\ off | wrote | made | agreed | settled
    | worked | did | began | came\ up | planned | built | chose | picked | drafted | set\ up )"""

_DID = r"""(?: decide | say | discuss | talk | agree | recommend | suggest | write | conclude | settle | choose | pick
    | come | call | leave | end | tell | ask | mention | give | plan )"""

_MINE = r"""(?: name | birthday | age | job | title | wife | husband | partner | girlfriend | boyfriend
    | kids? | child(?:ren)? | sons? | daughters? | dogs? | cats? | pets?
    | address | hometown | allerg(?:y|ies) | diet(?:ary)?
    | preferences? | favou?rite | taste | style | restrictions? | goals? | size | situation | family )"""

ENGLISH = (
    r"\b last\ time\ (?:we|you) \b",  # what we said last time we talked
    r"\b (?: same | like | as | from | since )\ (?:as\ )?last\ time \b",  # same as last time
    r"\b (?: previous | earlier | last | past | other | old | another )\ (?: conversation | chat | discussion )",
    r"\b (?: yesterday | week | month | night )'s\ (?: conversation | chat | discussion | session | summary )",
    r"\b our\ (?: previous | earlier | last )\ \w+ | \b our\ (?: chat | conversation | discussion )",  # our chat
    r"\b (?: chats? | conversations? )\ where\ (?:i|we) \b | \b where\ we\ \w+ed \b",  # find where we discussed
    r"\b as\ (?: discussed | agreed | mentioned | promised | planned | usual | always ) \b",  # as discussed
    rf"\b (?: as | like | what | which | where )\ (?:i|we|you)\ (?:\w+\ )? {_TOLD} \b",  # as I told you
    rf"\b i\ (?:have\ |had\ |already\ )? {_TOLD}\ (?:to\ )? you \b",  # I mentioned to you
    rf"\b i\ (?:\w+\ )? {_TOLD} \b .{{0,40}} \b {_WHEN} \b",  # I said so before
    rf"\b (?:we|you) \b .{{0,40}} \b (?: {_MADE} | {_DID_TOGETHER} ) \b .{{0,40}} \b {_WHEN} \b",  # we did it before
    rf"\b we\ (?:\w+ly\ )? {_DID_TOGETHER} \b",  # we finally settled on
    rf"\b you\ (?:\w+ly\ |once\ |just\ |already\ )? {_MADE} \b",  # you recommended
    r"\b we\ (?: were | have\ been )\ \w+ing \b",  # the story we were writing
    rf"(?<!how\ ) (?<!why\ ) \b did(?:n'?t)?\ (?:we|you|i)\ (?:\w+\ )? {_DID} \b",  # what did we decide
    rf"\b did\ you\ (?:\w+\ ){{1,6}}for\ me\ {_WHEN} \b",  # how did you solve this for me last month
    r"(?<!please\ ) \b you\ remember \b",  # do you remember
    r"\b remember\ (?: when | what | which | where | who | how | our ) \b .* \b (?: we | i | you ) \b",
    r"\b remember\ the\ (?:\w+\ ){1,2} (?: we | i | you ) \b",  # remember the budget we set
    r"\b (?: left\ off | where\ were\ we ) \b",  # where we left off
    r"\b (?: continue | resume | finish | go\ on )\ (?:with\ )? (?: our | where | what\ we | from\ where ) \b",
    rf"\b (?: the | that | those | which | what )\ (?:\w+\ ){{1,3}} you\ (?: {_MADE} | \w+ed | put | found ) \b",
    r"\b you\ (?:already\ )? have\ my \b",  # you have my resume
    r"\b you\ (?:already\ )? know\ (?: me | my | what\ i | that\ i | how\ i | about ) \b",  # you know my
    r"\b you\ know\ wh\w+\ (?:he|she|they|we)\ \w+",  # you know what he likes
    rf"\b (?: what | who | when | where | which | how\ old )(?:'?s|\ is|\ are|\ was|\ were)\ my\ (?:\w+\ )? {_MINE} \b",
    r"\b what(?:'?s|\ is|\ was)\ my\ \w+'s\ (?:\w+\ )? (?: name | birthday | number | address | age | size ) \b",
    r"\b (?: what | which | where | how\ m\w+ )\ (?:\w+\ ){0,3} do\ i\ (?:like|wear|live|work|own|drive|take) \b",
    r"\b my\ (?: usual | saved | (?:own\ )?notes? ) \b",  # my notes
    r"\b (?: use | in | with | match )\ my\ (?:\w+\ )? (?: style | tone | format | template ) \b",  # in my style
    r"\b pick\ up\ .{0,40} \b where \b",  # pick up the discussion where it stopped
    r"\b (?: show | tell | give | send | read )\ (?: me | us ) \b .{0,40} \b again \b | \b again\ ? \?",
    r"\b (?: know | remember | noted | saved | stored | learned | got | notes )\ .{0,20} \b (?: about | on )\ me \b",
    r"\b (?: the | your | a )\ notes?\ (?: about | of | i | you ) \b",  # the note about the gym
    r"\b forget\ (?! to\b | it\b ) .{0,20} \b (?: i | my | we | me ) \b",  # forget what I said
)
