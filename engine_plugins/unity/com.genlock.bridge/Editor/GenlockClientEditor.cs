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
            if (EditorApplication.isPlaying)
            {
                LiveState.Draw(client);
                EditorGUILayout.Space();
            }
            else
            {
                foreach (var problem in ProjectCheck.Problems(ProjectReader.Read(client)))
                {
                    EditorGUILayout.HelpBox(problem, MessageType.Warning);
                }
            }
            DrawDefaultInspector();
        }

        public override bool RequiresConstantRepaint()
        {
            return EditorApplication.isPlaying;
        }
    }
}
