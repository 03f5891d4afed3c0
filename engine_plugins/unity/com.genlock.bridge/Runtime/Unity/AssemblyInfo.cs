using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Genlock.Unity.Editor")]
[assembly: InternalsVisibleTo("Genlock.Unity.Tests")]
