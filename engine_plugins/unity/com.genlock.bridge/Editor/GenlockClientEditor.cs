using UnityEditor;
using UnityEngine;

namespace Genlock.Editor
{
    /// <summary>The client's settings, what is wrong with them, and while the app runs how it goes.</summary>
    [CustomEditor(typeof(GenlockClient))]
    internal sealed class GenlockClientEditor : UnityEditor.Editor
    {
        public override void OnInspectorGUI()
        {
            var client = (GenlockClient)target;
            foreach (var problem in ProjectCheck.Problems(ProjectReader.Read(client)))
            {
                EditorGUILayout.HelpBox(problem, MessageType.Warning);
            }
            DrawDefaultInspector();
            if (!EditorApplication.isPlaying)
            {
                return;
            }
            EditorGUILayout.Space();
            LiveState.Draw(client);
        }

        public override bool RequiresConstantRepaint()
        {
            return EditorApplication.isPlaying;
        }
    }
}
