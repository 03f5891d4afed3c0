using System.IO;
using UnityEditor.Build;
using UnityEditor.Build.Reporting;
using UnityEditor.UnityLinker;

namespace Genlock.Editor
{
    /// <summary>Gives the linker the package's link.xml: by itself it looks for them under Assets only.</summary>
    internal sealed class LinkerSettings : IUnityLinkerProcessor
    {
        private const string LinkXml = "Packages/com.genlock.bridge/Runtime/link.xml";

        public int callbackOrder
        {
            get { return 0; }
        }

        public string GenerateAdditionalLinkXmlFile(BuildReport report, UnityLinkerBuildPipelineData data)
        {
            return Path.GetFullPath(LinkXml);
        }
    }
}
